framebus_fuzz(json fuzz_json.cpp LINK client_jobfile msg_json SEEDS corpus/json)
