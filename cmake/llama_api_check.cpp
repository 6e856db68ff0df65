// Compiled and linked when CMake configures, never run: does the llama.cpp that was found still
// offer what src/worker uses? Keep in step with the worker; one line for each kind of thing it
// relies on.
#include <ggml-backend.h>
#include <ggml-rpc.h>
#include <gguf.h>
#include <llama.h>

namespace {

bool keep_going(float /*progress*/, void* /*user_data*/) { return true; }

void fill(ggml_tensor* tensor, void* /*user_data*/) {
  ggml_backend_tensor_set(tensor, nullptr, 0, 0);
}

llama_model_params model_params() {
  llama_model_params params = llama_model_default_params();
  params.devices = nullptr;
  params.tensor_buft_overrides = nullptr;
  params.tensor_split = nullptr;
  params.n_gpu_layers = -1;
  params.split_mode = LLAMA_SPLIT_MODE_LAYER;
  params.load_mode = llama_load_mode::LLAMA_LOAD_MODE_MMAP;
  params.progress_callback = keep_going;
  params.no_alloc = false;
  params.check_tensors = true;
  return params;
}

llama_context_params context_params() {
  llama_context_params params = llama_context_default_params();
  params.n_outputs_max = 1;
  params.n_ctx = 1;
  params.n_batch = 1;
  params.n_ubatch = 1;
  params.n_seq_max = 1;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  params.flash_attn_type = llama_flash_attn_type::LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.type_k = GGML_TYPE_F16;
  params.type_v = GGML_TYPE_F16;
  return params;
}

}  // namespace

int main() {
  ggml_backend_load_all_from_path("");
  llama_backend_init();
  ggml_backend_dev_props props{};
  ggml_backend_dev_get_props(ggml_backend_dev_get(0), &props);
  ggml_backend_reg_get_proc_address(ggml_backend_reg_by_name("RPC"), "ggml_backend_rpc_add_server");

  gguf_context* header = gguf_init_empty();
  gguf_write_to_file(header, "", true);
  gguf_init_params gguf_params{};
  gguf_init_from_file("", gguf_params);

  llama_model* model = llama_model_load_from_file("", model_params());
  model = llama_model_init_from_user(header, fill, nullptr, model_params());
  llama_context* context = llama_init_from_model(model, context_params());
  llama_decode(context, llama_batch_get_one(nullptr, 0));
  llama_batch batch = llama_batch_init(1, 0, 1);
  batch.logits[0] = 1;
  llama_decode(context, batch);
  llama_get_logits_ith(context, 0);
  llama_batch_free(batch);
  llama_tokenize(llama_model_get_vocab(model), "", 0, nullptr, 0, true, false);
  llama_synchronize(context);
  llama_memory_clear(llama_get_memory(context), true);
  llama_free(context);
  llama_model_free(model);
  gguf_free(header);
  return 0;
}
