// Loaded before llama.cpp's own programs of a bundle. ggml looks for its backends in the folder
// that it was built for, where another ggml's may lie, and beside the loader; this answers instead
// of it: from the bundle's own folder alone.
#include <dlfcn.h>
#include <ggml-backend.h>

#include <cstdio>
#include <filesystem>

extern "C" __attribute__((visibility("default"))) void ggml_backend_load_all(void) {
  Dl_info own{};
  if (dladdr(reinterpret_cast<void*>(&ggml_backend_load_all), &own) == 0) {
    std::fputs("sweetspot: the bundle cannot tell where it lies; unpack it again\n", stderr);
    return;
  }
  const auto folder = std::filesystem::path(own.dli_fname).parent_path() / "../backends";
  ggml_backend_load_all_from_path(folder.c_str());
}
