"""Read and write .tflite files; every size is checked before anything is allocated."""
