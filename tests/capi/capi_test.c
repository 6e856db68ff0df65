/* libsweetspot as an application in C uses it: compiled as C99, every function, every convention.
 * capi_test FAKE_NVML SET_TEMPLATE */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sweetspot/sweetspot.h>

#include "fake_machine.h"

static int failures = 0;

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                             \
    }                                                                         \
  } while (0)

static int says(const char* text, const char* part) {
  if (text != NULL && strstr(text, part) != NULL) return 1;
  fprintf(stderr, "\"%s\" does not say \"%s\"\n", text == NULL ? "(NULL)" : text, part);
  return 0;
}

static sweetspot_library* open_library(const fake_machine* machine, int telemetry) {
  sweetspot_options options = {0};
  sweetspot_library* lib = NULL;
  options.size = sizeof options;
  options.data_folder = machine->data;
  options.telemetry = telemetry;
  options.deadline_ms = 5000;
  CHECK(sweetspot_open(&options, &lib, NULL) == SWEETSPOT_OK);
  return lib;
}

static sweetspot_set* set_of_file(sweetspot_library* lib, const char* path) {
  sweetspot_set* set = NULL;
  char* error = NULL;
  CHECK(sweetspot_set_of_file(lib, path, NULL, &set, &error) == SWEETSPOT_OK);
  CHECK(error == NULL);
  return set;
}

/* The name of what is chosen, or "-". */
static void chosen_name(sweetspot_library* lib, const sweetspot_set* set,
                        const sweetspot_requirements* wanted, char* name, size_t size) {
  sweetspot_choice* choice = NULL;
  sweetspot_profile profile = {0};
  profile.size = sizeof profile;
  snprintf(name, size, "-");
  CHECK(sweetspot_choose(lib, set, wanted, &choice, NULL) == SWEETSPOT_OK);
  if (sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK) {
    snprintf(name, size, "%s", profile.name);
  }
  sweetspot_choice_free(choice);
}

static int chooses(sweetspot_library* lib, const sweetspot_set* set,
                   const sweetspot_requirements* wanted, const char* expected) {
  char name[64];
  chosen_name(lib, set, wanted, name, sizeof name);
  if (strcmp(name, expected) == 0) return 1;
  fprintf(stderr, "chose %s, not %s\n", name, expected);
  return 0;
}

static void test_versions(void) {
  CHECK(sweetspot_abi_version() == SWEETSPOT_ABI_VERSION);
  CHECK(strlen(sweetspot_version()) >= 5);
}

/* Freeing NULL does nothing; any other NULL is an error, and nothing crashes. */
static void test_nulls(sweetspot_library* lib, const sweetspot_set* set) {
  sweetspot_set* made_set = NULL;
  sweetspot_choice* made_choice = NULL;
  sweetspot_devices* made_devices = NULL;
  sweetspot_profile profile = {0};
  char* error = NULL;
  profile.size = sizeof profile;
  sweetspot_free(NULL);
  sweetspot_close(NULL);
  sweetspot_set_free(NULL);
  sweetspot_devices_free(NULL);
  sweetspot_choice_free(NULL);
  CHECK(sweetspot_open(NULL, NULL, &error) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(says(error, "out is NULL"));
  sweetspot_free(error);
  CHECK(sweetspot_devices_read(NULL, &made_devices, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_devices_read(lib, NULL, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_of_model(NULL, "x", NULL, &made_set, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_of_model(lib, NULL, NULL, &made_set, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_of_model(lib, "x", NULL, NULL, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_of_file(lib, NULL, NULL, &made_set, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choose(NULL, set, NULL, &made_choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choose(lib, NULL, NULL, &made_choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choose(lib, set, NULL, NULL, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(made_set == NULL && made_choice == NULL && made_devices == NULL);
  CHECK(sweetspot_devices_count(NULL) == 0);
  CHECK(sweetspot_devices_note(NULL, 0) == NULL);
  CHECK(sweetspot_devices_host_available(NULL).absent != NULL);
  CHECK(sweetspot_set_get(set, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_profile(NULL, 0, &profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choice_get(NULL, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choice_profile(NULL, &profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choice_below(NULL, 0, NULL, &profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choice_passed(NULL, 0, NULL, &profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choice_stale(NULL, 0) == NULL);
  CHECK(sweetspot_report_load(lib, NULL, NULL, NULL, NULL) == SWEETSPOT_ERROR_ARGUMENT);
}

/* Nothing is touched beyond the size that the caller states. */
static void test_sizes(sweetspot_library* lib, const sweetspot_set* set) {
  union {
    sweetspot_profile profile;
    unsigned char bytes[sizeof(sweetspot_profile)];
  } room;
  sweetspot_requirements wanted = {0};
  sweetspot_choice* choice = NULL;
  char* error = NULL;
  size_t i = 0;
  const size_t known = offsetof(sweetspot_profile, recommended_for);
  memset(room.bytes, 0xA5, sizeof room);
  room.profile.size = known;
  CHECK(sweetspot_set_profile(set, 0, &room.profile) == SWEETSPOT_OK);
  CHECK(room.profile.size == known);
  CHECK(strcmp(room.profile.name, "performance") == 0);
  for (i = known; i < sizeof room; ++i) CHECK(room.bytes[i] == 0xA5);
  room.profile.size = 3;
  CHECK(sweetspot_set_profile(set, 0, &room.profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, &error) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(says(error, "size of a struct is not set"));
  sweetspot_free(error);
  /* A caller that knows less than we do: the rest has its default. */
  wanted.size = offsetof(sweetspot_requirements, min_ctx);
  wanted.profile = "fast";
  wanted.min_ctx = 1000000;
  CHECK(chooses(lib, set, &wanted, "fast"));
}

static void test_arguments(sweetspot_library* lib, sweetspot_set* set) {
  sweetspot_requirements wanted = {0};
  sweetspot_report report = {0};
  sweetspot_choice* choice = NULL;
  sweetspot_host_device devices[2];
  wanted.size = sizeof wanted;
  wanted.max_vram_percent = 101;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  wanted.max_vram_percent = NAN;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  wanted.max_vram_percent = 0;
  wanted.prefer = 7;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  wanted.prefer = 0;
  wanted.device_count = 1;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  memset(devices, 0, sizeof devices);
  wanted.devices = devices;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  devices[0].size = sizeof devices[0];
  wanted.device_count = 2;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  report.size = sizeof report;
  report.profile = "huge";
  CHECK(sweetspot_report_load(lib, set, NULL, &report, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  report.profile = "fast";
  report.result = 9;
  CHECK(sweetspot_report_load(lib, set, NULL, &report, NULL) == SWEETSPOT_ERROR_ARGUMENT);
}

static void test_devices(sweetspot_library* lib) {
  sweetspot_devices* devices = NULL;
  sweetspot_device device = {0};
  device.size = sizeof device;
  CHECK(sweetspot_devices_read(lib, &devices, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_devices_count(devices) == 1);
  CHECK(sweetspot_devices_get(devices, 0, &device) == SWEETSPOT_OK);
  CHECK(sweetspot_devices_get(devices, 1, &device) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(says(device.name.value, "RTX 4050"));
  CHECK(says(device.pci_bus_id.value, "0000:01:00.0"));
  CHECK(says(device.driver.value, "nvml"));
  CHECK(says(device.driver_version.value, "550.54"));
  CHECK(device.memory_total_bytes.value == 6 * GIB);
  CHECK(device.memory_free_bytes.value == 6127878144U);
  CHECK(device.utilisation_percent.value == 42 && device.temperature_c.value == 61);
  CHECK(device.power_w.value == 35.5);
  /* The fake tells no power limit: absent, with a reason, and no zero. */
  CHECK(says(device.power_limit_w.absent, "support"));
  CHECK(isnan(device.power_limit_w.value));
  CHECK(device.asleep == 0 && device.shares_host_memory == 0);
  CHECK(sweetspot_devices_host_available(devices).value == 8 * GIB);
  CHECK(says(sweetspot_devices_note(devices, 0), "amdgpu"));
  CHECK(sweetspot_devices_note(devices, 9) == NULL);
  sweetspot_devices_free(devices);
}

static void test_set(const sweetspot_set* set, const fake_machine* machine) {
  sweetspot_set_info info = {0};
  sweetspot_profile profile = {0};
  info.size = sizeof info;
  profile.size = sizeof profile;
  CHECK(sweetspot_set_get(set, &info) == SWEETSPOT_OK);
  CHECK(strcmp(info.path, machine->set) == 0 && info.note == NULL);
  CHECK(info.origin == SWEETSPOT_MEASURED && info.profile_count == 6);
  CHECK(says(info.model_name, "zephyr") && info.n_prompt == 512 && info.n_gen == 128);
  CHECK(sweetspot_set_profile(set, 6, &profile) == SWEETSPOT_ERROR_ARGUMENT);
  CHECK(sweetspot_set_profile(set, 0, &profile) == SWEETSPOT_OK);
  CHECK(profile.n_gpu_layers == 33 && profile.n_ctx == 4096 && profile.n_batch == 2048);
  CHECK(profile.n_ubatch == 512 && profile.n_threads == 8 && profile.flash_attn == -1);
  CHECK(strcmp(profile.type_k, "f16") == 0 && strcmp(profile.load_mode, "auto") == 0);
  CHECK(profile.kv_offload == 1 && profile.split_mode == 1 && profile.cpu_only == 0);
  CHECK(profile.device_count == 1 && strcmp(profile.devices[0], "CUDA0") == 0);
  CHECK(profile.need_count == 1 && profile.needs[0].bytes == 4980736000U);
  CHECK(profile.tokens_per_second.value == 32.5 && profile.tokens_per_second.low == 32.25);
  CHECK(profile.host_bytes.value == 325058560U && profile.needs_absent == NULL);
  CHECK(sweetspot_set_profile(set, 5, &profile) == SWEETSPOT_OK);
  CHECK(profile.cpu_only == 1 && profile.need_count == 0 && profile.device_count == 0);
}

static void test_choice(sweetspot_library* lib, const sweetspot_set* set) {
  sweetspot_choice* choice = NULL;
  sweetspot_choice_info info = {0};
  sweetspot_profile profile = {0};
  sweetspot_rung rung = {0};
  info.size = sizeof info;
  profile.size = sizeof profile;
  rung.size = sizeof rung;
  CHECK(sweetspot_choose(lib, set, NULL, &choice, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_choice_get(choice, &info) == SWEETSPOT_OK);
  CHECK(info.found == 1 && info.unusable == 0 && info.stale_count == 0);
  CHECK(says(info.reason, "performance: the fastest that fits"));
  CHECK(sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK);
  CHECK(strcmp(profile.name, "performance") == 0);
  CHECK(info.passed_count == 0 && info.below_count >= 3);
  CHECK(sweetspot_choice_below(choice, 0, &rung, &profile) == SWEETSPOT_OK);
  CHECK(rung.fits == 1 && rung.missing_bytes == 0 && strlen(rung.why_not) == 0);
  CHECK(strcmp(profile.name, "balanced") == 0);
  CHECK(sweetspot_choice_below(choice, info.below_count - 1, NULL, &profile) == SWEETSPOT_OK);
  CHECK(profile.cpu_only == 1);
  CHECK(sweetspot_choice_below(choice, info.below_count, &rung, NULL) == SWEETSPOT_ERROR_ARGUMENT);
  sweetspot_choice_free(choice);
}

static void test_requirements(sweetspot_library* lib, const sweetspot_set* set) {
  sweetspot_requirements wanted = {0};
  sweetspot_choice* choice = NULL;
  sweetspot_choice_info info = {0};
  sweetspot_rung rung = {0};
  wanted.size = sizeof wanted;
  info.size = sizeof info;
  rung.size = sizeof rung;
  wanted.reserve_bytes = GIB + GIB / 5;
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_choice_get(choice, &info) == SWEETSPOT_OK && info.passed_count == 2);
  CHECK(sweetspot_choice_passed(choice, 0, &rung, NULL) == SWEETSPOT_OK);
  CHECK(rung.fits == 0 && rung.missing_bytes > 0 && says(rung.why_not, "CUDA0"));
  sweetspot_choice_free(choice);
  wanted.reserve_bytes = 0;
  wanted.prefer = SWEETSPOT_PREFER_MEMORY;
  CHECK(chooses(lib, set, &wanted, "layers-10"));
  wanted.prefer = SWEETSPOT_PREFER_SPEED;
  wanted.max_vram_percent = 60;
  CHECK(chooses(lib, set, &wanted, "fast"));
  wanted.max_vram_percent = 0;
  wanted.profile = "balanced";
  CHECK(chooses(lib, set, &wanted, "balanced"));
  wanted.profile = NULL;
  wanted.min_ctx = 100000;
  CHECK(chooses(lib, set, &wanted, "-"));
  wanted.min_ctx = 0;
  wanted.llama_cpp = "0.9.0";
  CHECK(sweetspot_choose(lib, set, &wanted, &choice, NULL) == SWEETSPOT_OK);
  CHECK(says(sweetspot_choice_stale(choice, 0), "llama.cpp was"));
  CHECK(sweetspot_choice_stale(choice, 1) == NULL);
  sweetspot_choice_free(choice);
}

/* The host's own figures replace what the driver says of memory, and its list is the list. */
static void test_host_devices(sweetspot_library* lib, const sweetspot_set* set) {
  sweetspot_host_device devices[2];
  sweetspot_requirements wanted = {0};
  memset(devices, 0, sizeof devices);
  devices[0].size = devices[1].size = sizeof devices[0];
  devices[0].id = "CUDA0";
  devices[0].pci_bus_id = "0000:01:00.0";
  devices[0].memory_total_bytes = 6 * GIB;
  devices[0].memory_free_bytes = 3 * GIB;
  devices[1].id = "RPC0";
  devices[1].memory_free_bytes = SWEETSPOT_UNKNOWN;
  wanted.size = sizeof wanted;
  wanted.devices = devices;
  wanted.device_count = 2;
  CHECK(chooses(lib, set, &wanted, "layers-10"));
  devices[0].memory_total_bytes = 0;
  devices[0].memory_free_bytes = SWEETSPOT_UNKNOWN;
  CHECK(chooses(lib, set, &wanted, "performance"));
  devices[0].pci_bus_id = "0000:07:00.0";
  CHECK(chooses(lib, set, &wanted, "cpu_fallback"));
}

static void test_reports(sweetspot_library* lib, const fake_machine* machine) {
  sweetspot_set* set = set_of_file(lib, machine->set);
  sweetspot_set* again = NULL;
  sweetspot_choice* choice = NULL;
  sweetspot_report report = {0};
  report.size = sizeof report;
  report.profile = "performance";
  report.result = SWEETSPOT_OUT_OF_MEMORY;
  CHECK(sweetspot_choose(lib, set, NULL, &choice, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_report_load(lib, set, choice, &report, NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, NULL, "balanced"));
  /* It is in the file: another process knows. */
  again = set_of_file(lib, machine->set);
  CHECK(chooses(lib, again, NULL, "balanced"));
  sweetspot_set_free(again);
  sweetspot_choice_free(choice);
  sweetspot_set_free(set);
}

/* What one program did says nothing of another, and can be forgotten. */
static void test_whose_reports(sweetspot_library* lib, const fake_machine* machine) {
  sweetspot_set* set = set_of_file(lib, machine->set);
  sweetspot_set* again = NULL;
  sweetspot_choice* choice = NULL;
  sweetspot_requirements mine = {0};
  sweetspot_requirements others = {0};
  sweetspot_report report = {0};
  report.size = sizeof report;
  mine.size = others.size = sizeof mine;
  CHECK(sweetspot_forget_reports(lib, set, NULL, NULL) == SWEETSPOT_OK);
  mine.program = "host";
  mine.arguments = "--embedding";
  others.program = "host";
  CHECK(sweetspot_choose(lib, set, &mine, &choice, NULL) == SWEETSPOT_OK);
  report.profile = "performance";
  report.result = SWEETSPOT_TIMED_OUT;
  CHECK(sweetspot_report_load(lib, set, choice, &report, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_report_load(lib, set, choice, &report, NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, &mine, "performance"));
  /* As the choice was asked for, where the report does not say. */
  report.result = SWEETSPOT_CRASHED;
  CHECK(sweetspot_report_load(lib, set, choice, &report, NULL) == SWEETSPOT_OK);
  report.program = "host";
  report.arguments = "--embedding";
  CHECK(sweetspot_report_load(lib, set, NULL, &report, NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, &mine, "tuned"));
  CHECK(chooses(lib, set, &others, "performance"));
  CHECK(chooses(lib, set, NULL, "performance"));
  CHECK(sweetspot_forget_reports(lib, set, "fast", NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, &mine, "tuned"));
  CHECK(sweetspot_forget_reports(lib, set, "performance", NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, &mine, "performance"));
  again = set_of_file(lib, machine->set);
  CHECK(chooses(lib, again, &mine, "performance"));
  sweetspot_set_free(again);
  sweetspot_choice_free(choice);
  sweetspot_set_free(set);
}

/* A choice and what it points to outlive the set and the library. */
static void test_lifetimes(const fake_machine* machine) {
  sweetspot_library* lib = open_library(machine, 0);
  sweetspot_set* set = set_of_file(lib, machine->set);
  sweetspot_choice* choice = NULL;
  sweetspot_profile profile = {0};
  profile.size = sizeof profile;
  CHECK(sweetspot_choose(lib, set, NULL, &choice, NULL) == SWEETSPOT_OK);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  CHECK(sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK);
  CHECK(strlen(profile.evidence) > 0);
  sweetspot_choice_free(choice);
}

/* Nothing stored: defaults stand in, and their first report is stored. */
static void test_defaults(sweetspot_library* lib, const fake_machine* machine) {
  sweetspot_set_options options = {0};
  sweetspot_set_info info = {0};
  sweetspot_report report = {0};
  sweetspot_set* set = NULL;
  char* error = NULL;
  options.size = sizeof options;
  info.size = sizeof info;
  report.size = sizeof report;
  options.no_defaults = 1;
  CHECK(sweetspot_set_of_model(lib, machine->model, &options, &set, &error) ==
        SWEETSPOT_ERROR_NOT_FOUND);
  CHECK(says(error, "sweetspot profile"));
  sweetspot_free(error);
  CHECK(sweetspot_set_of_model(lib, machine->model, NULL, &set, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_set_get(set, &info) == SWEETSPOT_OK);
  CHECK(info.origin == SWEETSPOT_DEFAULTS && info.path == NULL && info.profile_count == 4);
  CHECK(says(info.note, "no profile set is stored"));
  CHECK(chooses(lib, set, NULL, "balanced")); /* a 6 GB card and a tiny model */
  report.profile = "balanced";
  report.result = SWEETSPOT_OUT_OF_MEMORY;
  report.free_bytes = 6127878144U;
  CHECK(sweetspot_report_load(lib, set, NULL, &report, NULL) == SWEETSPOT_OK);
  sweetspot_set_free(set);
  CHECK(sweetspot_set_of_model(lib, machine->model, &options, &set, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_set_get(set, &info) == SWEETSPOT_OK && info.path != NULL);
  CHECK(chooses(lib, set, NULL, "fast"));
  sweetspot_set_free(set);
}

static void replace_in_file(const char* path, const char* from, const char* to) {
  static char text[1 << 16];
  char* place = NULL;
  size_t length = 0;
  FILE* file = fopen(path, "rb");
  length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  place = strstr(text, from);
  CHECK(place != NULL);
  if (place == NULL) return;
  *place = '\0';
  file = fopen(path, "wb");
  fputs(text, file);
  fputs(to, file);
  fputs(place + strlen(from), file);
  fclose(file);
}

static void test_bad_files(sweetspot_library* lib, const fake_machine* machine) {
  sweetspot_set* set = NULL;
  char* error = NULL;
  CHECK(sweetspot_set_of_model(lib, "/no/such/model.gguf", NULL, &set, &error) ==
        SWEETSPOT_ERROR_MODEL);
  CHECK(says(error, "/no/such/model.gguf"));
  sweetspot_free(error);
  CHECK(sweetspot_set_of_file(lib, "/no/such/set.json", NULL, &set, NULL) ==
        SWEETSPOT_ERROR_NOT_FOUND);
  CHECK(sweetspot_set_of_file(lib, machine->model, NULL, &set, &error) == SWEETSPOT_ERROR_DATA);
  CHECK(says(error, "model.gguf"));
  sweetspot_free(error);
  CHECK(set == NULL);
}

/* Another card lies under the set: it is not used, and its file is left alone. */
static void test_unusable(sweetspot_library* lib, const fake_machine* machine) {
  sweetspot_set* set = NULL;
  sweetspot_choice* choice = NULL;
  sweetspot_choice_info info = {0};
  sweetspot_profile profile = {0};
  sweetspot_report report = {0};
  sweetspot_set_options strict = {0};
  char name[64];
  strict.size = sizeof strict;
  strict.no_defaults = 1;
  info.size = sizeof info;
  profile.size = sizeof profile;
  report.size = sizeof report;
  replace_in_file(machine->set, "GPU-00000000-0000-0000-0000-000000000000", "GPU-1");
  set = set_of_file(lib, machine->set);
  CHECK(sweetspot_choose(lib, set, NULL, &choice, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_choice_get(choice, &info) == SWEETSPOT_OK);
  CHECK(info.unusable == 1 && info.found == 1 && says(info.reason, "cannot be used any more"));
  CHECK(sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK);
  CHECK(profile.origin == SWEETSPOT_DEFAULTS);
  report.profile = profile.name;
  report.result = SWEETSPOT_OUT_OF_MEMORY;
  CHECK(sweetspot_report_load(lib, set, choice, &report, NULL) == SWEETSPOT_OK);
  chosen_name(lib, set, NULL, name, sizeof name);
  CHECK(strcmp(name, profile.name) != 0);
  sweetspot_choice_free(choice);
  sweetspot_set_free(set);
  CHECK(sweetspot_set_of_file(lib, machine->set, &strict, &set, NULL) == SWEETSPOT_OK);
  CHECK(chooses(lib, set, NULL, "-"));
  sweetspot_set_free(set);
}

/* A sleeping laptop GPU is listed, chosen for, and not touched (R23). */
static void test_asleep(const fake_machine* machine, int telemetry) {
  sweetspot_library* lib = NULL;
  sweetspot_devices* devices = NULL;
  sweetspot_device device = {0};
  sweetspot_set* set = NULL;
  const int before = fake_machine_calls(machine);
  device.size = sizeof device;
  fake_machine_sleep(machine, 1);
  lib = open_library(machine, telemetry);
  CHECK(sweetspot_devices_read(lib, &devices, NULL) == SWEETSPOT_OK);
  CHECK(sweetspot_devices_count(devices) == 1);
  CHECK(sweetspot_devices_get(devices, 0, &device) == SWEETSPOT_OK);
  CHECK(device.asleep == 1);
  CHECK(says(device.memory_free_bytes.absent, "asleep"));
  CHECK(device.memory_free_bytes.value == SWEETSPOT_UNKNOWN);
  CHECK(says(device.temperature_c.absent, "asleep"));
  sweetspot_devices_free(devices);
  set = set_of_file(lib, machine->set);
  CHECK(chooses(lib, set, NULL, "performance"));
  sweetspot_set_free(set);
  sweetspot_close(lib);
  CHECK(fake_machine_calls(machine) == before);
  fake_machine_sleep(machine, 0);
}

/* A fresh machine for each kind of use, on the calling thread and with the library's own. */
static void test_all(const char* nvml, const char* set_template, int telemetry) {
  fake_machine machine;
  sweetspot_library* lib = NULL;
  sweetspot_set* set = NULL;
  fake_machine_make(&machine, nvml, set_template);
  test_asleep(&machine, telemetry);
  lib = open_library(&machine, telemetry);
  set = set_of_file(lib, machine.set);
  test_nulls(lib, set);
  test_sizes(lib, set);
  test_arguments(lib, set);
  test_devices(lib);
  test_set(set, &machine);
  test_choice(lib, set);
  test_requirements(lib, set);
  test_host_devices(lib, set);
  test_lifetimes(&machine);
  test_defaults(lib, &machine);
  test_bad_files(lib, &machine);
  test_reports(lib, &machine);
  test_whose_reports(lib, &machine);
  test_unusable(lib, &machine);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  fake_machine_remove(&machine);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "capi_test FAKE_NVML SET_TEMPLATE\n");
    return 2;
  }
  test_versions();
  test_all(argv[1], argv[2], 0);
  test_all(argv[1], argv[2], 1);
  if (failures == 0) printf("all is well\n");
  return failures == 0 ? 0 : 1;
}
