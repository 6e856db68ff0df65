/* Every size, from 0 to beyond what this version knows, of every struct that states one: whole
 * members are read and written, one that is cut is refused, and nothing behind the size is touched.
 * Each struct ends at a page that cannot be touched; what little is left before it is watched.
 * sizes_test FAKE_NVML SET_TEMPLATE */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sweetspot/sweetspot.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_machine.h"

enum { UNTOUCHED = 0xAA, BEYOND = 16, MOST_BYTES = 1024 };

static int failures = 0;
static fake_machine machine;
static sweetspot_library* lib = NULL;
static sweetspot_set* set = NULL;
static sweetspot_choice* choice = NULL;
static sweetspot_devices* devices = NULL;
static unsigned char* guard = NULL; /* the first byte that cannot be touched */

typedef struct member {
  size_t at;
  size_t bytes;
} member;

/* A call with a struct of some size. */
typedef struct sized_call {
  const char* name;
  sweetspot_status (*call)(void* made);
  const void* given; /* what the struct says; NULL: it is filled */
  const member* members;
  size_t count;
  size_t bytes;
  size_t least; /* smaller ones lack something that the call needs */
  size_t step;  /* sizes of elements of a list are multiples of it */
} sized_call;

#define AT(type, name) \
  { offsetof(type, name), sizeof(((type*)0)->name) }
#define MEMBERS(list) (list), sizeof(list) / sizeof *(list)

#define T sweetspot_options
static const member of_options[] = {AT(T, size),        AT(T, data_folder),
                                    AT(T, telemetry),   AT(T, interval_ms),
                                    AT(T, deadline_ms), AT(T, wake_sleeping_devices)};
#undef T
#define T sweetspot_device
static const member of_device[] = {AT(T, size),
                                   AT(T, name),
                                   AT(T, pci_bus_id),
                                   AT(T, uuid),
                                   AT(T, driver),
                                   AT(T, driver_version),
                                   AT(T, memory_total_bytes),
                                   AT(T, memory_used_bytes),
                                   AT(T, memory_free_bytes),
                                   AT(T, utilisation_percent),
                                   AT(T, temperature_c),
                                   AT(T, power_w),
                                   AT(T, power_limit_w),
                                   AT(T, graphics_clock_mhz),
                                   AT(T, asleep),
                                   AT(T, shares_host_memory)};
#undef T
#define T sweetspot_profile
static const member of_profile[] = {AT(T, size),
                                    AT(T, name),
                                    AT(T, recommended_for),
                                    AT(T, evidence),
                                    AT(T, origin),
                                    AT(T, cpu_only),
                                    AT(T, n_gpu_layers),
                                    AT(T, devices),
                                    AT(T, device_count),
                                    AT(T, split_mode),
                                    AT(T, main_gpu),
                                    AT(T, tensor_split),
                                    AT(T, tensor_split_count),
                                    AT(T, n_cpu_moe),
                                    AT(T, n_cpu_ffn),
                                    AT(T, override_tensor),
                                    AT(T, override_tensor_count),
                                    AT(T, all_override_tensor),
                                    AT(T, all_override_tensor_count),
                                    AT(T, load_mode),
                                    AT(T, n_ctx),
                                    AT(T, n_batch),
                                    AT(T, n_ubatch),
                                    AT(T, n_parallel),
                                    AT(T, n_threads),
                                    AT(T, n_threads_batch),
                                    AT(T, type_k),
                                    AT(T, type_v),
                                    AT(T, flash_attn),
                                    AT(T, kv_offload),
                                    AT(T, kv_unified),
                                    AT(T, swa_full),
                                    AT(T, needs),
                                    AT(T, need_count),
                                    AT(T, needs_absent),
                                    AT(T, host_bytes),
                                    AT(T, tokens_per_second),
                                    AT(T, prompt_tokens_per_second),
                                    AT(T, embeddings),
                                    AT(T, pooling)};
#undef T
#define T sweetspot_set_options
static const member of_set_options[] = {AT(T, size),        AT(T, rpc),          AT(T, rpc_count),
                                        AT(T, no_defaults), AT(T, host_program), AT(T, n_prompt),
                                        AT(T, n_gen),       AT(T, n_depth)};
#undef T
#define T sweetspot_set_info
static const member of_set_info[] = {AT(T, size),       AT(T, path),      AT(T, note),
                                     AT(T, created_at), AT(T, origin),    AT(T, model_path),
                                     AT(T, model_name), AT(T, llama_cpp), AT(T, profile_count),
                                     AT(T, n_prompt),   AT(T, n_gen),     AT(T, n_depth)};
#undef T
#define T sweetspot_requirements
static const member of_requirements[] = {
    AT(T, size),          AT(T, profile), AT(T, min_ctx),   AT(T, max_vram_percent),
    AT(T, reserve_bytes), AT(T, prefer),  AT(T, llama_cpp), AT(T, devices),
    AT(T, device_count),  AT(T, program), AT(T, arguments)};
#undef T
#define T sweetspot_host_device
static const member of_host_device[] = {AT(T, size),
                                        AT(T, id),
                                        AT(T, pci_bus_id),
                                        AT(T, description),
                                        AT(T, memory_total_bytes),
                                        AT(T, memory_free_bytes),
                                        AT(T, shares_host_memory)};
#undef T
#define T sweetspot_choice_info
static const member of_choice_info[] = {AT(T, size),        AT(T, found),       AT(T, reason),
                                        AT(T, unusable),    AT(T, stale_count), AT(T, below_count),
                                        AT(T, passed_count)};
#undef T
#define T sweetspot_rung
static const member of_rung[] = {AT(T, size), AT(T, fits), AT(T, why_not), AT(T, missing_bytes)};
#undef T
#define T sweetspot_report
static const member of_report[] = {AT(T, size),    AT(T, profile),    AT(T, result),
                                   AT(T, device),  AT(T, free_bytes), AT(T, peak_bytes),
                                   AT(T, program), AT(T, arguments)};
#undef T

static void check(int holds, const char* call, size_t size, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s with size %zu: %s\n", call, size, what);
  ++failures;
}

/* ---- the calls */

static sweetspot_status call_open(void* made) {
  sweetspot_library* opened = NULL;
  const sweetspot_status status = sweetspot_open(made, &opened, NULL);
  sweetspot_close(opened);
  return status;
}

static sweetspot_status call_set_of_file(void* made) {
  sweetspot_set* read = NULL;
  const sweetspot_status status = sweetspot_set_of_file(lib, machine.set, made, &read, NULL);
  sweetspot_set_free(read);
  return status;
}

static sweetspot_status call_set_of_model(void* made) {
  sweetspot_set* read = NULL;
  const sweetspot_status status = sweetspot_set_of_model(lib, machine.model, made, &read, NULL);
  sweetspot_set_free(read);
  return status;
}

static sweetspot_status call_choose(void* made) {
  sweetspot_choice* chosen = NULL;
  char* error = NULL;
  const sweetspot_status status = sweetspot_choose(lib, set, made, &chosen, &error);
  sweetspot_choice_free(chosen);
  sweetspot_free(error);
  return status;
}

/* The one device that the host has. */
static sweetspot_status call_choose_with_device(void* made) {
  sweetspot_requirements wanted = {0};
  wanted.size = sizeof wanted;
  wanted.devices = made;
  wanted.device_count = 1;
  return call_choose(&wanted);
}

static sweetspot_status call_report(void* made) {
  return sweetspot_report_load(lib, set, choice, made, NULL);
}

static sweetspot_status call_device(void* made) { return sweetspot_devices_get(devices, 0, made); }
static sweetspot_status call_set_get(void* made) { return sweetspot_set_get(set, made); }
static sweetspot_status call_set_profile(void* made) { return sweetspot_set_profile(set, 0, made); }
static sweetspot_status call_choice_get(void* made) { return sweetspot_choice_get(choice, made); }
static sweetspot_status call_choice_profile(void* made) {
  return sweetspot_choice_profile(choice, made);
}
static sweetspot_status call_below(void* made) {
  return sweetspot_choice_below(choice, 0, made, NULL);
}

/* The rung is whole, the profile is not always: then neither is written. */
static sweetspot_status call_below_with_profile(void* made) {
  sweetspot_rung rung;
  sweetspot_status status = SWEETSPOT_OK;
  memset(&rung, UNTOUCHED, sizeof rung);
  rung.size = sizeof rung;
  status = sweetspot_choice_below(choice, 0, &rung, made);
  check((rung.missing_bytes == 0xAAAAAAAAAAAAAAAAU) == (status != SWEETSPOT_OK),
        "sweetspot_choice_below", *(size_t*)made, "the rung is written where the call failed");
  return status;
}

/* ---- the sizes */

static int cuts_a_member(const sized_call* call, size_t size) {
  size_t i = 0;
  for (i = 0; i < call->count; ++i) {
    const member* one = &call->members[i];
    if (one->at < size && size < one->at + one->bytes) return 1;
  }
  return size < sizeof size;
}

static void check_filled(const sized_call* call, const unsigned char* made, size_t size) {
  size_t i = 0;
  size_t j = 0;
  for (i = 1; i < call->count; ++i) {
    const member* one = &call->members[i];
    int written = 0;
    if (one->at + one->bytes > size) continue;
    for (j = 0; j < one->bytes; ++j) written = written || made[one->at + j] != UNTOUCHED;
    check(written, call->name, size, "a member is not filled");
  }
}

static void try_size(const sized_call* call, size_t size) {
  unsigned char before[MOST_BYTES];
  const size_t room = size < sizeof size ? sizeof size : (size + 7) / 8 * 8;
  const size_t known = size < call->bytes ? size : call->bytes;
  unsigned char* const made = guard - room;
  const int refused = cuts_a_member(call, size) || size < call->least || size % call->step != 0;
  sweetspot_status status = SWEETSPOT_OK;
  memset(made, UNTOUCHED, room);
  if (call->given != NULL) memcpy(made, call->given, known);
  memcpy(made, &size, sizeof size);
  memcpy(before, made, room);
  status = call->call(made);
  check(status == (refused ? SWEETSPOT_ERROR_ARGUMENT : SWEETSPOT_OK), call->name, size,
        refused ? "it is not refused" : "it is refused");
  if (call->given != NULL || status != SWEETSPOT_OK) {
    check(memcmp(before, made, room) == 0, call->name, size, "it is written to");
    return;
  }
  check(memcmp(before, made, sizeof size) == 0, call->name, size, "the size is changed");
  check(memcmp(before + known, made + known, room - known) == 0, call->name, size,
        "what lies behind is written to");
  check_filled(call, made, size);
}

static void make_guard(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char* pages =
      mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) exit(2);
  guard = pages + page;
}

static void make_handles(void) {
  sweetspot_options options = {0};
  options.size = sizeof options;
  options.data_folder = machine.data;
  options.deadline_ms = 5000;
  if (sweetspot_open(&options, &lib, NULL) != SWEETSPOT_OK ||
      sweetspot_set_of_file(lib, machine.set, NULL, &set, NULL) != SWEETSPOT_OK ||
      sweetspot_choose(lib, set, NULL, &choice, NULL) != SWEETSPOT_OK ||
      sweetspot_devices_read(lib, &devices, NULL) != SWEETSPOT_OK) {
    exit(2);
  }
}

static void try_all(void) {
  const char* const servers[] = {"127.0.0.1:50052"};
  sweetspot_options options = {0};
  sweetspot_set_options set_options = {0};
  sweetspot_requirements wanted = {0};
  sweetspot_host_device device = {0};
  sweetspot_report report = {0};
  const size_t whole_id = offsetof(sweetspot_host_device, pci_bus_id);
  const size_t whole_name = offsetof(sweetspot_report, result);
  const sized_call calls[] = {
      {"sweetspot_open", call_open, &options, MEMBERS(of_options), sizeof options, 0, 1},
      {"sweetspot_set_of_file", call_set_of_file, &set_options, MEMBERS(of_set_options),
       sizeof set_options, 0, 1},
      {"sweetspot_set_of_model", call_set_of_model, &set_options, MEMBERS(of_set_options),
       sizeof set_options, 0, 1},
      {"sweetspot_choose", call_choose, &wanted, MEMBERS(of_requirements), sizeof wanted, 0, 1},
      {"sweetspot_choose (device)", call_choose_with_device, &device, MEMBERS(of_host_device),
       sizeof device, whole_id, sizeof(void*)},
      {"sweetspot_report_load", call_report, &report, MEMBERS(of_report), sizeof report, whole_name,
       1},
      {"sweetspot_devices_get", call_device, NULL, MEMBERS(of_device), sizeof(sweetspot_device), 0,
       1},
      {"sweetspot_set_get", call_set_get, NULL, MEMBERS(of_set_info), sizeof(sweetspot_set_info), 0,
       1},
      {"sweetspot_set_profile", call_set_profile, NULL, MEMBERS(of_profile),
       sizeof(sweetspot_profile), 0, 1},
      {"sweetspot_choice_get", call_choice_get, NULL, MEMBERS(of_choice_info),
       sizeof(sweetspot_choice_info), 0, 1},
      {"sweetspot_choice_profile", call_choice_profile, NULL, MEMBERS(of_profile),
       sizeof(sweetspot_profile), 0, 1},
      {"sweetspot_choice_below", call_below, NULL, MEMBERS(of_rung), sizeof(sweetspot_rung), 0, 1},
      {"sweetspot_choice_below (profile)", call_below_with_profile, NULL, MEMBERS(of_profile),
       sizeof(sweetspot_profile), 0, 1}};
  size_t i = 0;
  size_t size = 0;
  options.data_folder = machine.data;
  options.interval_ms = options.deadline_ms = 5000;
  set_options.rpc = servers;
  set_options.rpc_count = 1;
  device.id = "CUDA0";
  device.pci_bus_id = "0000:01:00.0";
  device.description = "NVIDIA GeForce RTX 4050 Laptop GPU";
  device.memory_total_bytes = 6 * GIB;
  device.memory_free_bytes = 5 * GIB;
  device.size = sizeof device;
  wanted.profile = "fast";
  wanted.llama_cpp = "another one";
  wanted.devices = &device;
  wanted.device_count = 1;
  wanted.program = "sizes_test";
  wanted.arguments = "--none";
  report.profile = "fast";
  report.device = "CUDA0";
  report.program = "sizes_test";
  report.arguments = "--none";
  for (i = 0; i < sizeof calls / sizeof *calls; ++i) {
    for (size = 0; size <= calls[i].bytes + BEYOND; ++size) {
      try_size(&calls[i], size);
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  fake_machine_make(&machine, argv[1], argv[2]);
  make_guard();
  make_handles();
  try_all();
  sweetspot_devices_free(devices);
  sweetspot_choice_free(choice);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  fake_machine_remove(&machine);
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
