/* 10,000 choices from 8 threads that share one set, with reports, and everything else that the
 * library can be asked, in between.
 * threads_test FAKE_NVML SET_TEMPLATE CHOICES */
#define _XOPEN_SOURCE 700
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sweetspot/sweetspot.h>

#include "fake_machine.h"

enum { THREADS = 8, CHOICES_PER_REPORT = 250, CHOICES_PER_REST = 25 };

typedef struct worker {
  sweetspot_library* lib;
  sweetspot_set* set;
  const fake_machine* machine;
  int choices;
  int done;
} worker;

/* Whether a call went well; what the library said is printed where it did not. */
static int is_ok(sweetspot_status status, char** error) {
  if (status != SWEETSPOT_OK) printf("%s\n", *error ? *error : "no reason was given");
  sweetspot_free(*error);
  return status == SWEETSPOT_OK;
}

/* The same of what a call gave. */
static int is_good(int good, const char* what) {
  if (!good) printf("%s\n", what);
  return good;
}

static int report(const worker* self, const sweetspot_choice* choice, const char* name,
                  int number) {
  sweetspot_report made = {0};
  char* error = NULL;
  made.size = sizeof made;
  made.profile = name;
  made.result = number % 2 == 0 ? SWEETSPOT_LOADED : SWEETSPOT_OUT_OF_MEMORY;
  return is_ok(sweetspot_report_load(self->lib, self->set, choice, &made, &error), &error);
}

static int looks_at_the_set(const sweetspot_set* set) {
  sweetspot_set_info info = {0};
  sweetspot_profile profile = {0};
  size_t i = 0;
  info.size = sizeof info;
  profile.size = sizeof profile;
  if (sweetspot_set_get(set, &info) != SWEETSPOT_OK)
    return is_good(0, "a set does not tell of itself");
  for (i = 0; i < info.profile_count; ++i) {
    if (sweetspot_set_profile(set, i, &profile) != SWEETSPOT_OK || strlen(profile.name) == 0) {
      return is_good(0, "a profile of a set does not tell of itself");
    }
  }
  return is_good(info.profile_count > 0, "a set is empty");
}

static int looks_at_the_devices(sweetspot_library* lib) {
  sweetspot_devices* devices = NULL;
  sweetspot_device device = {0};
  char* error = NULL;
  int good = 0;
  device.size = sizeof device;
  if (!is_ok(sweetspot_devices_read(lib, &devices, &error), &error)) return 0;
  good = is_good(sweetspot_devices_count(devices) == 1 &&
                     sweetspot_devices_get(devices, 0, &device) == SWEETSPOT_OK,
                 "there is not one device") &&
         is_good(sweetspot_devices_host_available(devices).absent == NULL,
                 "what the host has available is absent");
  sweetspot_devices_free(devices);
  return good;
}

/* A library and sets of this thread's own, beside those that all share. */
static int opens_its_own(const fake_machine* machine) {
  sweetspot_options options = {0};
  sweetspot_library* lib = NULL;
  sweetspot_set* of_file = NULL;
  sweetspot_set* of_model = NULL;
  sweetspot_set* none = NULL;
  char* of_none = NULL;
  char* error = NULL;
  int good = 0;
  options.size = sizeof options;
  options.data_folder = machine->data;
  options.deadline_ms = 10000;
  if (!is_ok(sweetspot_open(&options, &lib, &error), &error)) return 0;
  good = is_ok(sweetspot_set_of_file(lib, machine->set, NULL, &of_file, &error), &error) &&
         is_ok(sweetspot_set_of_model(lib, machine->model, NULL, &of_model, &error), &error) &&
         looks_at_the_set(of_file) && looks_at_the_set(of_model) &&
         is_good(sweetspot_set_of_file(lib, "/none", NULL, &none, &of_none) ==
                         SWEETSPOT_ERROR_NOT_FOUND &&
                     of_none != NULL,
                 "a file that is not there was found");
  sweetspot_free(of_none);
  sweetspot_set_free(of_file);
  sweetspot_set_free(of_model);
  sweetspot_close(lib);
  return good;
}

/* What does not choose: by turns, so that the threads do different things at once. */
static int does_the_rest(const worker* self, int number) {
  char* error = NULL;
  switch (number / CHOICES_PER_REST % 4) {
    case 0:
      return looks_at_the_set(self->set);
    case 1:
      return looks_at_the_devices(self->lib);
    case 2:
      return is_ok(sweetspot_forget_reports(self->lib, self->set, "fast", &error), &error);
    default:
      return opens_its_own(self->machine);
  }
}

/* One choice, looked at in full. */
static int choose_once(const worker* self, int number) {
  sweetspot_choice* choice = NULL;
  sweetspot_choice_info info = {0};
  sweetspot_profile profile = {0};
  char* error = NULL;
  int good = 0;
  info.size = sizeof info;
  profile.size = sizeof profile;
  if (!is_ok(sweetspot_choose(self->lib, self->set, NULL, &choice, &error), &error)) return 0;
  good = is_good(sweetspot_choice_get(choice, &info) == SWEETSPOT_OK &&
                     sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK &&
                     strlen(info.reason) > 0,
                 "a choice does not tell of itself") &&
         is_good(info.below_count > 0 || profile.cpu_only, "nothing lies below what was chosen");
  if (good && number % CHOICES_PER_REPORT == CHOICES_PER_REPORT - 1) {
    good = report(self, choice, profile.name, number);
  }
  sweetspot_choice_free(choice);
  return good;
}

static void* work(void* argument) {
  worker* self = argument;
  int i = 0;
  for (i = 0; i < self->choices; ++i) {
    int good = choose_once(self, i);
    if (i % CHOICES_PER_REST == 0) good = does_the_rest(self, i) && good;
    self->done += good;
  }
  return NULL;
}

/* How many choices were made and in order. */
static int run(sweetspot_library* lib, sweetspot_set* set, const fake_machine* machine,
               int choices) {
  pthread_t threads[THREADS];
  worker workers[THREADS];
  int done = 0;
  int i = 0;
  for (i = 0; i < THREADS; ++i) {
    workers[i].lib = lib;
    workers[i].set = set;
    workers[i].machine = machine;
    workers[i].choices = choices / THREADS;
    workers[i].done = 0;
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) exit(2);
  }
  for (i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    done += workers[i].done;
  }
  return done;
}

int main(int argc, char** argv) {
  fake_machine machine;
  sweetspot_options options = {0};
  sweetspot_library* lib = NULL;
  sweetspot_set* set = NULL;
  int choices = 0;
  int done = 0;
  if (argc != 4) return 2;
  choices = atoi(argv[3]);
  fake_machine_make(&machine, argv[1], argv[2]);
  options.size = sizeof options;
  options.data_folder = machine.data;
  options.telemetry = 1;
  options.interval_ms = 20;
  options.deadline_ms = 10000;
  if (sweetspot_open(&options, &lib, NULL) != SWEETSPOT_OK) return 2;
  if (sweetspot_set_of_file(lib, machine.set, NULL, &set, NULL) != SWEETSPOT_OK) return 2;
  done = run(lib, set, &machine, choices);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  fake_machine_remove(&machine);
  printf("%d of %d choices were in order\n", done, choices);
  return done == choices ? 0 : 1;
}
