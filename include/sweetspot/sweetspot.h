/* libsweetspot: what may be loaded on this machine now, with which settings of llama.cpp.
 *
 * Measure a model once (`sweetspot profile MODEL`), then ask at every start:
 *
 *     sweetspot_library *lib = NULL;
 *     sweetspot_set *set = NULL;
 *     sweetspot_choice *choice = NULL;
 *     sweetspot_profile profile = {sizeof profile};
 *     sweetspot_open(NULL, &lib, NULL);
 *     sweetspot_set_of_model(lib, "model.gguf", NULL, &set, NULL);
 *     sweetspot_choose(lib, set, NULL, &choice, NULL);
 *     if (sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK)
 *       load_with(profile.n_gpu_layers, profile.n_ctx, ...);
 *
 * The library contains no llama.cpp, no CUDA and no Vulkan, prints nothing, installs no signal
 * handler, ends no process, and starts no thread unless asked to (sweetspot_options.telemetry).
 *
 * Conventions, for every function:
 *
 *  1. Pointers. sweetspot_library, sweetspot_set, sweetspot_devices and sweetspot_choice are
 * opaque. An out-parameter is written on success only; before a call fails it is set to NULL.
 *  2. Sizes. A struct that begins with `size` may grow in later versions. Set `size` to
 *     sizeof(struct) before every call, on structs that the library reads and on those that it
 *     fills. The library touches no byte beyond it. What a smaller struct lacks has its default:
 *     zero or NULL unless the field says otherwise. A `size` too small for `size` itself, or one
 *     that ends inside a member, is SWEETSPOT_ERROR_ARGUMENT.
 *  3. Texts are UTF-8 and end with a zero byte. Lists are a pointer and a count. A text that comes
 *     from a file (names of models, evidence) may hold control characters: escape it before it
 *     reaches a terminal.
 *  4. Errors. What can fail returns a sweetspot_status. `error` may be NULL; otherwise it is set to
 *     NULL, or on failure to one sentence with a remedy, to be freed with sweetspot_free(). There
 *     is no "last error" and no errno: nothing is shared between threads, fibres or languages.
 *  5. Bools are int32_t, 0 or 1.
 *  6. Absent values. What nobody could read is not zero: a sweetspot_bytes, sweetspot_number,
 *     sweetspot_text or sweetspot_estimate is absent where `absent` is not NULL; that is the reason
 *     in words. Its value is then SWEETSPOT_UNKNOWN, NaN or NULL.
 *  7. NULL. Freeing NULL does nothing. Any other NULL where a handle or a required pointer is
 *     expected is SWEETSPOT_ERROR_ARGUMENT, and counts are 0.
 *  8. Ownership. What _open, _read, _of_model, _of_file and _choose give is freed by the function
 *     of its name. Texts and lists belong to the object they were taken from and live as long as
 *     it does. A choice is complete in itself: it outlives its set. Sets, devices and choices
 *     outlive the library handle; only calls that take the handle need it.
 *  9. Threads. All functions may be called from all threads at once, with the same objects, but for
 *     freeing an object that another thread still uses. Reading drivers is done by one thread at a
 *     time. sweetspot_open() reads the environment, which must not be changed meanwhile.
 * 10. Units are in the names: _bytes, _ms, _percent, _c (degrees Celsius), _w (watts).
 * 11. Versions. Within one SOVERSION functions, enumerators and fields are only added.
 */
#ifndef SWEETSPOT_SWEETSPOT_H
#define SWEETSPOT_SWEETSPOT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SWEETSPOT_API __attribute__((visibility("default")))
#else
#define SWEETSPOT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when something is added that a program may want to test for. */
#define SWEETSPOT_ABI_VERSION 1

/* Of bytes that nobody could tell. */
#define SWEETSPOT_UNKNOWN UINT64_MAX

typedef struct sweetspot_library sweetspot_library;
typedef struct sweetspot_devices sweetspot_devices;
typedef struct sweetspot_set sweetspot_set;
typedef struct sweetspot_choice sweetspot_choice;

typedef enum sweetspot_status {
  SWEETSPOT_OK = 0,
  SWEETSPOT_ERROR_ARGUMENT = 1,  /* a NULL, a size, a name that does not exist, an index */
  SWEETSPOT_ERROR_MODEL = 2,     /* the model file cannot be read */
  SWEETSPOT_ERROR_NOT_FOUND = 3, /* no set is stored, or no profile was chosen */
  SWEETSPOT_ERROR_DATA = 4,      /* a set is damaged, or made by a newer version */
  SWEETSPOT_ERROR_OUTPUT = 5,    /* a report could not be written; it counts in this process */
  SWEETSPOT_ERROR_INTERNAL = 6   /* out of memory, or a fault of the library */
} sweetspot_status;

/* A value, or in `absent` why there is none (convention 6). */
typedef struct sweetspot_bytes {
  uint64_t value;
  const char* absent;
} sweetspot_bytes;

typedef struct sweetspot_number {
  double value;
  const char* absent;
} sweetspot_number;

typedef struct sweetspot_text {
  const char* value;
  const char* absent;
} sweetspot_text;

/* With its 95 % interval. */
typedef struct sweetspot_estimate {
  double value;
  double low;
  double high;
  const char* absent;
} sweetspot_estimate;

/* ---- the library ------------------------------------------------------------------------------
 */

/* SWEETSPOT_ABI_VERSION of the library in use, and its version as text, "0.1.0". */
SWEETSPOT_API uint32_t sweetspot_abi_version(void);
SWEETSPOT_API const char* sweetspot_version(void);

typedef struct sweetspot_options {
  size_t size;
  /* Where sets lie; NULL: $XDG_DATA_HOME/sweetspot, else ~/.local/share/sweetspot. */
  const char* data_folder;
  /* 1: one thread of the library reads the drivers every interval_ms, and no call waits for a
   * driver. An idle laptop GPU that is read may not fall asleep.
   * 0: each call that needs devices reads them on the calling thread. A driver that hangs then
   * hangs the caller: a call into it cannot be cut short. Once deadline_ms have passed, drivers
   * that were not asked yet are left out. */
  int32_t telemetry;
  uint32_t interval_ms; /* 0: 250 */
  /* Longest wait of a call: for the first reading of the thread, or see above. 0: 250 */
  uint32_t deadline_ms;
  /* 1: sleeping devices are read too, which wakes them. 0: they are listed as asleep. */
  int32_t wake_sleeping_devices;
} sweetspot_options;

/* `options` may be NULL. Drivers' libraries (NVML) are loaded when devices are first read, or by
 * the thread; a CUDA context is never made. */
SWEETSPOT_API sweetspot_status sweetspot_open(const sweetspot_options* options,
                                              sweetspot_library** out, char** error);
SWEETSPOT_API void sweetspot_close(sweetspot_library* lib);

/* Frees an error text. */
SWEETSPOT_API void sweetspot_free(char* text);

/* ---- devices ----------------------------------------------------------------------------------
 */

typedef struct sweetspot_device {
  size_t size;
  sweetspot_text name;       /* "NVIDIA GeForce RTX 4050 Laptop GPU" */
  sweetspot_text pci_bus_id; /* "0000:01:00.0" */
  sweetspot_text uuid;
  sweetspot_text driver; /* who answered: "nvml", "amdgpu" */
  sweetspot_text driver_version;
  sweetspot_bytes memory_total_bytes;
  sweetspot_bytes memory_used_bytes; /* by anyone */
  sweetspot_bytes memory_free_bytes; /* as the driver says, never total - used */
  sweetspot_number utilisation_percent;
  sweetspot_number temperature_c;
  sweetspot_number power_w;
  sweetspot_number power_limit_w;
  sweetspot_number graphics_clock_mhz;
  int32_t asleep;             /* listed, not read: reading would wake it */
  int32_t shares_host_memory; /* integrated or unified */
} sweetspot_device;

/* Every card that a driver or the PCI bus tells of, as it is now. */
SWEETSPOT_API sweetspot_status sweetspot_devices_read(sweetspot_library* lib,
                                                      sweetspot_devices** out, char** error);
SWEETSPOT_API size_t sweetspot_devices_count(const sweetspot_devices* devices);
SWEETSPOT_API sweetspot_status sweetspot_devices_get(const sweetspot_devices* devices, size_t index,
                                                     sweetspot_device* out);
/* What the host has to give, limits of its cgroups included. */
SWEETSPOT_API sweetspot_bytes sweetspot_devices_host_available(const sweetspot_devices* devices);
/* Why a driver interface is missing: "nvml: libnvidia-ml.so.1 is not installed". NULL beyond the
 * last one. */
SWEETSPOT_API const char* sweetspot_devices_note(const sweetspot_devices* devices, size_t index);
SWEETSPOT_API void sweetspot_devices_free(sweetspot_devices* devices);

/* ---- profiles ---------------------------------------------------------------------------------
 */

typedef enum sweetspot_origin {
  SWEETSPOT_MEASURED = 0, /* a trial of this config on this machine */
  SWEETSPOT_PLANNED = 1,  /* llama.cpp's memory map against the card; nobody ran it */
  SWEETSPOT_DEFAULTS = 2  /* usual values for a card of this size */
} sweetspot_origin;

/* Memory that a profile needs of a device, the driver's share included. */
typedef struct sweetspot_need {
  const char* device; /* ggml's name, or with SWEETSPOT_DEFAULTS a PCI address */
  uint64_t bytes;
} sweetspot_need;

/* A config of llama.cpp in llama.cpp's words. */
typedef struct sweetspot_profile {
  size_t size;
  const char* name; /* fast, balanced, performance, cpu_fallback, tuned, layers-12 */
  const char* recommended_for;
  const char* evidence; /* one sentence: what it rests on */
  int32_t origin;       /* sweetspot_origin */
  /* Nothing lies on a device. Load it with an empty list of devices ("--device none"), or a GPU
   * backend may still take memory for its buffers. */
  int32_t cpu_only;

  /* Placement: changing it costs a load. */
  int32_t n_gpu_layers; /* as offloaded, never -1; SWEETSPOT_DEFAULTS: as wished, may be too many */
  const char* const* devices; /* ggml names to offload to; empty: all (or none, see cpu_only) */
  size_t device_count;
  int32_t split_mode; /* 0 none, 1 layer, 2 row, 3 tensor: llama_split_mode */
  int32_t main_gpu;
  const double* tensor_split;
  size_t tensor_split_count;
  int32_t n_cpu_moe; /* blocks from the first whose experts stay on the CPU */
  int32_t n_cpu_ffn; /* blocks from the first whose dense feed-forward stays on the CPU */
  /* "regex of tensor names=buffer type", first wins; without those of n_cpu_moe and n_cpu_ffn. */
  const char* const* override_tensor;
  size_t override_tensor_count;
  /* The same with them: what llama_model_params.tensor_buft_overrides has to say. */
  const char* const* all_override_tensor;
  size_t all_override_tensor_count;
  const char* load_mode; /* auto, none, mmap, mlock, mmap+mlock, dio */

  /* Context settings: changing them costs a new context. */
  uint32_t n_ctx;
  uint32_t n_batch;
  uint32_t n_ubatch;
  uint32_t n_parallel;     /* sequences: n_seq_max */
  int32_t n_threads;       /* 0: as many as there are physical cores */
  int32_t n_threads_batch; /* 0: as n_threads */
  const char* type_k;      /* ggml's type names: f16, q8_0, ... */
  const char* type_v;
  int32_t flash_attn; /* -1 auto, 0 off, 1 on: llama_flash_attn_type */
  int32_t kv_offload; /* offload_kqv */
  int32_t kv_unified;
  int32_t swa_full;

  /* What it needs and gives. */
  const sweetspot_need* needs;
  size_t need_count;
  const char* needs_absent; /* why nobody knows; NULL where needs are known */
  sweetspot_bytes host_bytes;
  /* Under the workload of sweetspot_set_info; of n_parallel sequences together. */
  sweetspot_estimate tokens_per_second;
  sweetspot_estimate prompt_tokens_per_second;
  /* 1: it only reads: inputs become vectors or scores, and tokens_per_second is absent
   * (llama_context_params.embeddings). */
  int32_t embeddings;
  int32_t pooling; /* llama_pooling_type; -1 as the model says */
} sweetspot_profile;

/* ---- profile sets -----------------------------------------------------------------------------
 */

/* How the host makes its llama_context, which decides part of what a profile takes. */
typedef enum sweetspot_host_program {
  /* With libllama's defaults: room for the logits of every token of a batch. */
  SWEETSPOT_HOST_LIBLLAMA = 0,
  /* As llama-server does: llama_context_params.n_outputs_max = n_parallel, so that a batch has
   * logits for one token of each sequence. With a large vocabulary that is hundreds of MiB less. */
  SWEETSPOT_HOST_LLAMA_SERVER = 1
} sweetspot_host_program;

typedef struct sweetspot_set_options {
  size_t size;
  /* RPC endpoints that the host will register, "host:port", in this order. */
  const char* const* rpc;
  size_t rpc_count;
  /* 1: without a stored set SWEETSPOT_ERROR_NOT_FOUND, with a damaged one SWEETSPOT_ERROR_DATA, and
   * nothing is chosen from a set that cannot be used any more. 0: default profiles stand in. */
  int32_t no_defaults;
  /* sweetspot_host_program: what needs and choices are for. */
  int32_t host_program;
  /* Sets are kept by the requests they were measured with. All 0: the one measured last. Otherwise
   * the one with these tokens of prompt, generated and in the cache before; without one it is as
   * if none were stored. */
  uint32_t n_prompt;
  uint32_t n_gen;
  uint32_t n_depth;
} sweetspot_set_options;

typedef struct sweetspot_set_info {
  size_t size;
  const char* path; /* the file it was read from; NULL: the defaults, nothing is stored */
  /* Why these are the defaults, or NULL: "no profile set is stored for this model". */
  const char* note;
  const char* created_at; /* UTC, ISO 8601 */
  int32_t origin;         /* sweetspot_origin */
  const char* model_path;
  const char* model_name;
  const char* llama_cpp; /* that it was made with; empty where nothing ran */
  size_t profile_count;
  /* Of the speeds. */
  uint32_t n_prompt;
  uint32_t n_gen;
  uint32_t n_depth;
} sweetspot_set_info;

/* The set stored for the model file, found by its content and the endpoints, not by its name.
 * `options` may be NULL. Reads up to 128 KiB of each file of the model. */
SWEETSPOT_API sweetspot_status sweetspot_set_of_model(sweetspot_library* lib,
                                                      const char* model_path,
                                                      const sweetspot_set_options* options,
                                                      sweetspot_set** out, char** error);
/* The set in a file (sweetspot.profiles/1). */
SWEETSPOT_API sweetspot_status sweetspot_set_of_file(sweetspot_library* lib, const char* set_path,
                                                     const sweetspot_set_options* options,
                                                     sweetspot_set** out, char** error);
SWEETSPOT_API sweetspot_status sweetspot_set_get(const sweetspot_set* set, sweetspot_set_info* out);
/* By place, fastest first; the last one is the CPU alone. */
SWEETSPOT_API sweetspot_status sweetspot_set_profile(const sweetspot_set* set, size_t index,
                                                     sweetspot_profile* out);
SWEETSPOT_API void sweetspot_set_free(sweetspot_set* set);

/* ---- choosing ---------------------------------------------------------------------------------
 */

typedef enum sweetspot_preference {
  SWEETSPOT_PREFER_SPEED = 0, /* the fastest that fits */
  SWEETSPOT_PREFER_MEMORY = 1 /* the fastest that leaves half of each device to others */
} sweetspot_preference;

/* A device as the host's own ggml sees it. A host that links ggml knows devices that no driver
 * interface here tells of: RPC, Intel, Metal. */
typedef struct sweetspot_host_device {
  size_t size;
  const char* id;              /* ggml_backend_dev_name: CUDA0, Vulkan0, RPC0 */
  const char* pci_bus_id;      /* device_id of ggml_backend_dev_props; NULL: unknown */
  const char* description;     /* ggml_backend_dev_description; NULL: unknown */
  uint64_t memory_total_bytes; /* 0 or SWEETSPOT_UNKNOWN: take the driver's, where there is one */
  uint64_t memory_free_bytes;  /* SWEETSPOT_UNKNOWN: take the driver's */
  int32_t shares_host_memory;
} sweetspot_host_device;

typedef struct sweetspot_requirements {
  size_t size;
  const char* profile;     /* a name; NULL, "" or "auto": whichever is best */
  uint32_t min_ctx;        /* tokens of context at least, of each sequence */
  double max_vram_percent; /* of each device, all its users together; 0: 85 */
  uint64_t reserve_bytes;  /* left free on each device on top of that */
  int32_t prefer;          /* sweetspot_preference */
  /* The llama.cpp that will load it, as the set names it; NULL: not compared. */
  const char* llama_cpp;
  /* With device_count > 0 these are all the devices there are, instead of what drivers list; what
   * drivers say of the same cards is added. All elements have the same `size`. */
  const sweetspot_host_device* devices;
  size_t device_count;
  /* Who will load it: only reports of the same program and arguments count. NULL: an application
   * without a name. */
  const char* program;
  const char* arguments; /* those that change memory or what it does; NULL: none */
} sweetspot_requirements;

typedef struct sweetspot_choice_info {
  size_t size;
  int32_t found;      /* a profile was chosen */
  const char* reason; /* one sentence */
  /* The set cannot be used any more (another card, another model). The profile, if one was found,
   * is one of the defaults. */
  int32_t unusable;
  size_t stale_count;  /* what changed since the set was made */
  size_t below_count;  /* rungs to try after it */
  size_t passed_count; /* faster ones that were passed */
} sweetspot_choice_info;

/* A profile beside the chosen one. */
typedef struct sweetspot_rung {
  size_t size;
  int32_t fits;
  const char* why_not;    /* empty where it fits */
  uint64_t missing_bytes; /* how much more must be free; 0 where memory is not the reason */
} sweetspot_rung;

/* What may be loaded now: see docs/choosing.md for the rule. `requirements` may be NULL. A choice
 * without a profile is no error. */
SWEETSPOT_API sweetspot_status sweetspot_choose(sweetspot_library* lib, const sweetspot_set* set,
                                                const sweetspot_requirements* requirements,
                                                sweetspot_choice** out, char** error);
SWEETSPOT_API sweetspot_status sweetspot_choice_get(const sweetspot_choice* choice,
                                                    sweetspot_choice_info* out);
/* SWEETSPOT_ERROR_NOT_FOUND where none was chosen. */
SWEETSPOT_API sweetspot_status sweetspot_choice_profile(const sweetspot_choice* choice,
                                                        sweetspot_profile* out);
/* To try after it, in this order, down to the CPU alone. `rung` or `profile` may be NULL. */
SWEETSPOT_API sweetspot_status sweetspot_choice_below(const sweetspot_choice* choice, size_t index,
                                                      sweetspot_rung* rung,
                                                      sweetspot_profile* profile);
SWEETSPOT_API sweetspot_status sweetspot_choice_passed(const sweetspot_choice* choice, size_t index,
                                                       sweetspot_rung* rung,
                                                       sweetspot_profile* profile);
/* "the driver of CUDA0 was 550.54, is 560.35"; NULL beyond the last one. */
SWEETSPOT_API const char* sweetspot_choice_stale(const sweetspot_choice* choice, size_t index);
SWEETSPOT_API void sweetspot_choice_free(sweetspot_choice* choice);

/* ---- reporting back ---------------------------------------------------------------------------
 */

typedef enum sweetspot_result {
  SWEETSPOT_LOADED = 0,
  SWEETSPOT_OUT_OF_MEMORY = 1,
  SWEETSPOT_CRASHED = 2,
  SWEETSPOT_TIMED_OUT = 3 /* not ready in time: kept, and held against nothing */
} sweetspot_result;

typedef struct sweetspot_report {
  size_t size;
  const char* profile; /* its name */
  int32_t result;      /* sweetspot_result */
  const char* device;  /* that the figures are of; NULL: the first that the profile needs */
  uint64_t free_bytes; /* before the load; 0 or SWEETSPOT_UNKNOWN: as the choice saw it */
  uint64_t peak_bytes; /* most that the process took of the device; 0 or SWEETSPOT_UNKNOWN */
  const char* program; /* as in sweetspot_requirements; both NULL: as `choice` was asked for */
  const char* arguments;
} sweetspot_report;

/* Counts in the next choice from this set, and is written to the set's file for other processes
 * (defaults are stored with their first report). `choice` may be NULL. */
SWEETSPOT_API sweetspot_status sweetspot_report_load(sweetspot_library* lib, sweetspot_set* set,
                                                     const sweetspot_choice* choice,
                                                     const sweetspot_report* report, char** error);

/* Forgets what was reported of one profile of the set, or of all where `profile` is NULL, by
 * whomever, here and in the set's file. */
SWEETSPOT_API sweetspot_status sweetspot_forget_reports(sweetspot_library* lib, sweetspot_set* set,
                                                        const char* profile, char** error);

#ifdef __cplusplus
}
#endif

#endif
