framebus_fuzz(child fuzz_child.cpp LINK worker_shell SEEDS corpus/child)
