framebus_fuzz(config fuzz_config.cpp LINK broker_shell worker_shell client_commands SEEDS corpus/config)
