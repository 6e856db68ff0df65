// Loads a model with what libsweetspot chooses, one rung lower as long as that fails, and tells the
// library what became of it. A host that links llama.cpp.
//
//   load_model MODEL.gguf [DATA_FOLDER]
//
// Prints one line of JSON on what was loaded. What failed before, why, and llama.cpp's log go to
// stderr.
#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <list>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sweetspot/sweetspot.hpp>
#include <vector>

#ifndef SWEETSPOT_GGML_BACKENDS_DIR
#define SWEETSPOT_GGML_BACKENDS_DIR ""  // ggml looks beside the program itself
#endif

namespace {

struct ModelFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct ContextFree {
  void operator()(llama_context* context) const { llama_free(context); }
};

struct Loaded {
  std::unique_ptr<llama_model, ModelFree> model;
  std::unique_ptr<llama_context, ContextFree> context;
  llama_token token = 0;  ///< likeliest after the first
};

// llama.cpp's functions give no reason; its log does.
std::string problems;

void on_log(ggml_log_level level, const char* text, void* /*user*/) {
  std::fputs(text, stderr);
  if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_CONT) problems += text;
}

bool memory_was_short() {
  return problems.find("out of memory") != std::string::npos ||
         problems.find("alloc") != std::string::npos || problems.find("OutOf") != std::string::npos;
}

bool takes_layers(ggml_backend_dev_t device) {
  const auto type = ggml_backend_dev_type(device);
  return type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

std::vector<sweetspot::HostDevice> devices_of_ggml() {
  std::vector<sweetspot::HostDevice> devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const ggml_backend_dev_t device = ggml_backend_dev_get(i);
    if (!takes_layers(device)) continue;
    ggml_backend_dev_props props{};
    ggml_backend_dev_get_props(device, &props);
    sweetspot::HostDevice told;
    told.id = props.name;
    told.description = props.description;
    if (props.device_id != nullptr) told.pci_bus_id = props.device_id;
    if (props.memory_total > 0) {  // some backends cannot tell
      told.memory_total_bytes = props.memory_total;
      told.memory_free_bytes = props.memory_free;
    }
    told.shares_host_memory = props.type == GGML_BACKEND_DEVICE_TYPE_IGPU;
    devices.push_back(told);
  }
  return devices;
}

ggml_backend_buffer_type_t buffer_type(std::string_view name) {
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const auto type = ggml_backend_dev_buffer_type(ggml_backend_dev_get(i));
    if (type != nullptr && name == ggml_backend_buft_name(type)) return type;
  }
  throw std::runtime_error("there is no buffer type " + std::string(name));
}

ggml_type type_by_name(std::string_view name) {
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    const char* const known = ggml_type_name(static_cast<ggml_type>(i));
    if (known != nullptr && name == known) return static_cast<ggml_type>(i);
  }
  throw std::runtime_error("there is no type " + std::string(name));
}

/// Threads that share a core are listed together, by each of them.
int physical_cores() {
  std::set<std::string> cores;
  std::error_code failure;
  for (const auto& entry :
       std::filesystem::directory_iterator("/sys/devices/system/cpu", failure)) {
    std::ifstream file(entry.path() / "topology/core_cpus_list");
    if (std::string list; std::getline(file, list)) cores.insert(list);
  }
  return cores.empty() ? GGML_DEFAULT_N_THREADS : static_cast<int>(cores.size());
}

/// llama_model_params, with what they only point to.
class ModelParams {
 public:
  explicit ModelParams(const sweetspot_profile& profile) {
    params_.n_gpu_layers = profile.n_gpu_layers;
    params_.split_mode = static_cast<llama_split_mode>(profile.split_mode);
    params_.main_gpu = profile.main_gpu;
    params_.load_mode = llama_load_mode_from_str(profile.load_mode);
    set_devices(profile);
    set_tensor_split(profile);
    set_overrides(profile);
  }
  [[nodiscard]] const llama_model_params& get() const { return params_; }

 private:
  // A list that is empty keeps everything off the GPUs; none at all means all of them.
  void set_devices(const sweetspot_profile& profile) {
    if (profile.device_count == 0 && profile.cpu_only == 0) return;
    for (std::size_t i = 0; i < profile.device_count; ++i) {
      devices_.push_back(ggml_backend_dev_by_name(profile.devices[i]));
      if (devices_.back() == nullptr) {
        throw std::runtime_error(std::string("there is no device ") + profile.devices[i]);
      }
    }
    devices_.push_back(nullptr);
    params_.devices = devices_.data();
  }
  void set_tensor_split(const sweetspot_profile& profile) {
    if (profile.tensor_split_count == 0) return;
    split_.resize(std::max(llama_max_devices(), profile.tensor_split_count));
    for (std::size_t i = 0; i < profile.tensor_split_count; ++i) {
      split_[i] = static_cast<float>(profile.tensor_split[i]);
    }
    params_.tensor_split = split_.data();
  }
  void set_overrides(const sweetspot_profile& profile) {
    if (profile.all_override_tensor_count == 0) return;
    for (std::size_t i = 0; i < profile.all_override_tensor_count; ++i) {
      const std::string entry = profile.all_override_tensor[i];
      const std::size_t equals = entry.rfind('=');
      const auto type = buffer_type(entry.substr(equals + 1));
      overrides_.push_back({patterns_.emplace_back(entry.substr(0, equals)).c_str(), type});
    }
    overrides_.push_back({nullptr, nullptr});
    params_.tensor_buft_overrides = overrides_.data();
  }

  llama_model_params params_ = llama_model_default_params();
  std::vector<ggml_backend_dev_t> devices_;
  std::vector<float> split_;
  std::list<std::string> patterns_;  // overrides_ points into them: they must not move
  std::vector<llama_model_tensor_buft_override> overrides_;
};

llama_context_params context_params(const sweetspot_profile& profile) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = profile.n_ctx;
  params.n_batch = profile.n_batch;
  params.n_ubatch = profile.n_ubatch;
  params.n_seq_max = profile.n_parallel;
  params.n_threads = profile.n_threads > 0 ? profile.n_threads : physical_cores();
  params.n_threads_batch = profile.n_threads_batch > 0 ? profile.n_threads_batch : params.n_threads;
  params.type_k = type_by_name(profile.type_k);
  params.type_v = type_by_name(profile.type_v);
  params.flash_attn_type = static_cast<llama_flash_attn_type>(profile.flash_attn);
  params.offload_kqv = profile.kv_offload != 0;
  params.kv_unified = profile.kv_unified != 0;
  params.swa_full = profile.swa_full != 0;
  params.embeddings = profile.embeddings != 0;
  params.pooling_type = static_cast<enum llama_pooling_type>(profile.pooling);
  return params;
}

llama_token decode_one(const llama_model& model, llama_context& context) {
  const llama_vocab* const vocab = llama_model_get_vocab(&model);
  llama_token token = std::max(llama_vocab_bos(vocab), 0);
  if (llama_decode(&context, llama_batch_get_one(&token, 1)) != 0) {
    throw std::runtime_error("llama_decode failed");
  }
  const float* const logits = llama_get_logits_ith(&context, -1);
  if (logits == nullptr) throw std::runtime_error("llama.cpp gave no logits");
  return static_cast<llama_token>(std::max_element(logits, logits + llama_vocab_n_tokens(vocab)) -
                                  logits);
}

/// Throws where it fails.
Loaded load(const std::string& path, const sweetspot_profile& profile) {
  problems.clear();
  Loaded loaded;
  const ModelParams placed(profile);
  loaded.model.reset(llama_model_load_from_file(path.c_str(), placed.get()));
  if (!loaded.model) throw std::runtime_error("llama.cpp loaded no model");
  loaded.context.reset(llama_init_from_model(loaded.model.get(), context_params(profile)));
  if (!loaded.context) throw std::runtime_error("llama.cpp made no context");
  loaded.token = decode_one(*loaded.model, *loaded.context);
  return loaded;
}

void print(const sweetspot_profile& profile, const Loaded& loaded, std::size_t failed) {
  const llama_context* const context = loaded.context.get();
  std::printf(
      "{\"profile\": \"%s\", \"origin\": %d, \"failed\": %zu, \"n_gpu_layers\": %d, "
      "\"load_mode\": \"%s\", \"n_ctx\": %u, \"n_batch\": %u, \"n_ubatch\": %u, "
      "\"n_seq_max\": %u, \"n_threads\": %d, \"overrides\": %zu, \"token\": %d}\n",
      profile.name, profile.origin, failed, profile.n_gpu_layers,
      llama_load_mode_name(llama_load_mode_from_str(profile.load_mode)), llama_n_ctx(context),
      llama_n_batch(context), llama_n_ubatch(context), llama_n_seq_max(context),
      llama_n_threads(loaded.context.get()), profile.all_override_tensor_count, loaded.token);
}

/// It counts for the next choice in this process even where it cannot be written.
void report(const sweetspot::Library& library, sweetspot::Set& set, const sweetspot::Choice& choice,
            const char* profile, sweetspot_result result) {
  sweetspot::Report told;
  told.profile = profile;
  told.result = result;
  try {
    library.report(set, &choice, told);
  } catch (const sweetspot::LibraryError& problem) {
    std::fprintf(stderr, "the report was not kept: %s\n", problem.what());
  }
}

int run(const std::string& path, const std::string& data_folder) {
  sweetspot::Options options;
  options.data_folder = data_folder;
  const sweetspot::Library library(options);
  sweetspot::Set set = library.set_of_model(path);
  sweetspot::Requirements wanted;
  wanted.devices = devices_of_ggml();
  // No devices would stand for those that drivers list; this llama.cpp can use none of them.
  if (wanted.devices.empty()) wanted.profile = set[set.size() - 1].name;
  const sweetspot::Choice choice = library.choose(set, wanted);
  const auto first = choice.profile();
  std::fprintf(stderr, "%s\n", std::string(choice.reason()).c_str());
  if (!first) return 1;
  std::vector<sweetspot_profile> rungs = {*first};
  for (const sweetspot::Rung& rung : choice.below()) rungs.push_back(rung.profile);
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const char* const name = rungs[i].name;
    try {
      const Loaded loaded = load(path, rungs[i]);
      report(library, set, choice, name, SWEETSPOT_LOADED);
      print(rungs[i], loaded, i);
      return 0;
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s: %s\n", name, failure.what());
      report(library, set, choice, name,
             memory_was_short() ? SWEETSPOT_OUT_OF_MEMORY : SWEETSPOT_CRASHED);
    }
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "load_model MODEL.gguf [DATA_FOLDER]\n");
    return 2;
  }
  llama_log_set(on_log, nullptr);
  const std::string folder = SWEETSPOT_GGML_BACKENDS_DIR;
  if (folder.empty()) {
    ggml_backend_load_all();
  } else {
    ggml_backend_load_all_from_path(folder.c_str());
  }
  try {
    return run(argv[1], argc == 3 ? argv[2] : "");
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
