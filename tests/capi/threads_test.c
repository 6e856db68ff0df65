/* 10,000 choices from 8 threads that share one set, with reports in between.
 * threads_test FAKE_NVML SET_TEMPLATE CHOICES */
#define _XOPEN_SOURCE 700
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sweetspot/sweetspot.h>

#include "fake_machine.h"

enum { THREADS = 8, CHOICES_PER_REPORT = 250 };

typedef struct worker {
  sweetspot_library* lib;
  sweetspot_set* set;
  int choices;
  int done;
} worker;

static int report(const worker* self, const sweetspot_choice* choice, const char* name,
                  int number) {
  sweetspot_report made = {0};
  made.size = sizeof made;
  made.profile = name;
  made.result = number % 2 == 0 ? SWEETSPOT_LOADED : SWEETSPOT_OUT_OF_MEMORY;
  return sweetspot_report_load(self->lib, self->set, choice, &made, NULL) == SWEETSPOT_OK;
}

/* One choice, looked at in full. */
static int choose_once(const worker* self, int number) {
  sweetspot_choice* choice = NULL;
  sweetspot_choice_info info = {0};
  sweetspot_profile profile = {0};
  int good = 0;
  info.size = sizeof info;
  profile.size = sizeof profile;
  if (sweetspot_choose(self->lib, self->set, NULL, &choice, NULL) != SWEETSPOT_OK) return 0;
  good = sweetspot_choice_get(choice, &info) == SWEETSPOT_OK &&
         sweetspot_choice_profile(choice, &profile) == SWEETSPOT_OK && strlen(info.reason) > 0 &&
         (info.below_count > 0 || profile.cpu_only);
  if (good && number % CHOICES_PER_REPORT == CHOICES_PER_REPORT - 1) {
    good = report(self, choice, profile.name, number);
  }
  sweetspot_choice_free(choice);
  return good;
}

static void* work(void* argument) {
  worker* self = argument;
  int i = 0;
  for (i = 0; i < self->choices; ++i) self->done += choose_once(self, i);
  return NULL;
}

/* How many choices were made and in order. */
static int run(sweetspot_library* lib, sweetspot_set* set, int choices) {
  pthread_t threads[THREADS];
  worker workers[THREADS];
  int done = 0;
  int i = 0;
  for (i = 0; i < THREADS; ++i) {
    workers[i].lib = lib;
    workers[i].set = set;
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
  done = run(lib, set, choices);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  fake_machine_remove(&machine);
  printf("%d of %d choices were in order\n", done, choices);
  return done == choices ? 0 : 1;
}
