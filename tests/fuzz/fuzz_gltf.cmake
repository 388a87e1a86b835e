framebus_fuzz(gltf fuzz_gltf.cpp LINK render_scene render_film SEEDS corpus/gltf)
