#define _XOPEN_SOURCE 700
#include "fake_machine.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void stop(const char* what) {
  fprintf(stderr, "the fake machine cannot be made: %s\n", what);
  exit(2);
}

static void write_text(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) stop(path);
}

/* Every folder on the way to root + path, and then the file. */
static void write_below(const fake_machine* machine, const char* path, const char* text) {
  char whole[600];
  char* slash = NULL;
  snprintf(whole, sizeof whole, "%s%s", machine->root, path);
  for (slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(whole, 0700);
    *slash = '/';
  }
  write_text(whole, text);
}

static void copy_file(const char* from, const char* to) {
  char buffer[4096];
  size_t got = 0;
  FILE* in = fopen(from, "rb");
  FILE* out = fopen(to, "wb");
  if (in == NULL || out == NULL) stop(from);
  while ((got = fread(buffer, 1, sizeof buffer, in)) > 0) fwrite(buffer, 1, got, out);
  fclose(in);
  if (fclose(out) != 0) stop(to);
}

void fake_machine_free_memory(const fake_machine* machine, uint64_t free_bytes) {
  char text[1400];
  const unsigned long long total = 6ULL << 30;
  const unsigned long long unused = (unsigned long long)free_bytes;
  snprintf(text, sizeof text,
           "{\"driver_version\": \"550.54\", \"calls_file\": \"%s\", \"gpus\": [{"
           "\"pci\": \"00000000:01:00.0\", \"name\": \"NVIDIA GeForce RTX 4050 Laptop GPU\","
           "\"uuid\": \"GPU-00000000-0000-0000-0000-000000000000\", \"utilisation\": 42,"
           "\"temperature\": 61, \"power_mw\": 35500,"
           "\"memory\": {\"total\": %llu, \"free\": %llu, \"used\": %llu, \"reserved\": 0}}]}",
           machine->calls, total, unused, total - unused);
  write_text(machine->script, text);
}

void fake_machine_sleep(const fake_machine* machine, int asleep) {
  write_below(machine, "/sys/bus/pci/devices/0000:01:00.0/power/runtime_status",
              asleep ? "suspended\n" : "active\n");
}

static void make_kernel_files(const fake_machine* machine) {
  write_below(machine, "/proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n");
  write_below(machine, "/proc/cpuinfo", "processor : 0\nmodel name : Some processor\n");
  write_below(machine, "/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  write_below(machine, "/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  write_below(machine, "/sys/bus/pci/devices/0000:01:00.0/device", "0x28a1\n");
  fake_machine_sleep(machine, 0);
}

extern char** environ;

/* What the person who runs the test has set must not make the set stale. */
static void unset_environment(void) {
  static const char* const prefixes[] = {"GGML_", "CUDA_",  "HIP_", "ROCR_",
                                         "VK_",   "LLAMA_", "OMP_", "NVIDIA_"};
  char** entry = environ;
  while (*entry != NULL) {
    char name[256];
    size_t i = 0;
    int known = 0;
    for (i = 0; i < sizeof prefixes / sizeof *prefixes; ++i) {
      known = known || strncmp(*entry, prefixes[i], strlen(prefixes[i])) == 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
    ++entry;
    if (!known) continue;
    unsetenv(name);
    entry = environ;
  }
}

void fake_machine_make(fake_machine* machine, const char* nvml_library, const char* set_template) {
  const char* temporary = getenv("TMPDIR");
  memset(machine, 0, sizeof *machine);
  snprintf(machine->folder, sizeof machine->folder, "%s/sweetspot-capi-XXXXXX",
           temporary == NULL ? "/tmp" : temporary);
  if (mkdtemp(machine->folder) == NULL) stop(machine->folder);
  snprintf(machine->root, sizeof machine->root, "%s/root", machine->folder);
  snprintf(machine->data, sizeof machine->data, "%s/data", machine->folder);
  snprintf(machine->model, sizeof machine->model, "%s/model.gguf", machine->folder);
  snprintf(machine->script, sizeof machine->script, "%s/nvml.json", machine->folder);
  snprintf(machine->calls, sizeof machine->calls, "%s/calls", machine->folder);
  snprintf(machine->set, sizeof machine->set, "%s/set.json", machine->folder);
  make_kernel_files(machine);
  fake_machine_free_memory(machine, 6127878144U);
  copy_file(set_template, machine->set);
  write_text(machine->model, "GGUF, as far as the key of a model goes");
  unset_environment();
  setenv("SWEETSPOT_NVML_LIBRARY", nvml_library, 1);
  setenv("FAKE_NVML_SCRIPT", machine->script, 1);
  setenv("SWEETSPOT_SYSFS_ROOT", machine->root, 1);
  /* As the set was made with. */
  setenv("GGML_CUDA_FORCE_MMQ", "1", 1);
  setenv("GGML_NO_BACKTRACE", "1", 1);
}

int fake_machine_calls(const fake_machine* machine) {
  int lines = 0;
  int character = 0;
  FILE* file = fopen(machine->calls, "r");
  if (file == NULL) return 0;
  while ((character = fgetc(file)) != EOF) lines += character == '\n';
  fclose(file);
  return lines;
}

static int remove_one(const char* path, const struct stat* info, int kind, struct FTW* place) {
  (void)info;
  (void)kind;
  (void)place;
  return remove(path);
}

void fake_machine_remove(const fake_machine* machine) {
  nftw(machine->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
