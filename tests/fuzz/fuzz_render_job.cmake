framebus_fuzz(render_job fuzz_render_job.cpp LINK render_job SEEDS corpus/render_job)
