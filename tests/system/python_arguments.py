"""Keyword arguments of llama_cpp.Llama() that we may write (llama-cpp-python 0.3.35), with their types."""

PYTHON_ARGUMENTS = {
    "model_path": str, "n_gpu_layers": int, "split_mode": int, "main_gpu": int, "tensor_split": list,
    "use_mmap": bool, "use_mlock": bool, "n_ctx": int, "n_batch": int, "n_ubatch": int,
    "n_threads": int, "n_threads_batch": int, "offload_kqv": bool, "flash_attn": bool,
    "swa_full": bool, "embedding": bool, "pooling_type": int, "type_k": int, "type_v": int}


def check_types(test, values, known):
    """Every name is known, every value is of its type."""
    test.assertLessEqual(set(values), set(known))
    for key, value in values.items():
        test.assertIsInstance(value, known[key], key)
        if known[key] is int:
            test.assertNotIsInstance(value, bool, key)
