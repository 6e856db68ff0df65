/* A machine for programs in C: one GPU as a fake NVML tells of it, a folder that plays /sys and
 * /proc, a model file, a stored profile set. Everything lies in one temporary folder. */
#ifndef SWEETSPOT_TESTS_CAPI_FAKE_MACHINE_H
#define SWEETSPOT_TESTS_CAPI_FAKE_MACHINE_H

#define GIB ((uint64_t)1 << 30)

#include <stdint.h>

/* Its files; each path is inside `folder`. */
typedef struct fake_machine {
  char folder[256];
  char root[300];
  char data[300];
  char model[300];
  char script[300];
  char calls[300];
  char set[300];
} fake_machine;

/* Makes the folder and the environment variables that lead there. `set_template` is copied to
 * `set`. */
void fake_machine_make(fake_machine* machine, const char* nvml_library, const char* set_template);

/* What the card has free from the next sweetspot_open() on. */
void fake_machine_free_memory(const fake_machine* machine, uint64_t free_bytes);

/* Whether the kernel has put the card to sleep. */
void fake_machine_sleep(const fake_machine* machine, int asleep);

/* Calls of NVML so far. */
int fake_machine_calls(const fake_machine* machine);

void fake_machine_remove(const fake_machine* machine);

#endif
