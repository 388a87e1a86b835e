framebus_fuzz(journal fuzz_journal.cpp LINK broker_journal_tool broker_store fault_disk SEEDS corpus/journal)
