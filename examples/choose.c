/* What may be loaded on this machine now? The C interface of libsweetspot.
 *
 *   choose MODEL.gguf [DATA_FOLDER]
 *
 * Prints the chosen profile as llama-server's main flags, the reason, and the rungs below it. */
#include <stdio.h>
#include <sweetspot/sweetspot.h>

static int give_up(const char* what, char* error) {
  fprintf(stderr, "%s: %s\n", what, error == NULL ? "no reason is known" : error);
  sweetspot_free(error);
  return 1;
}

static void print_profile(const sweetspot_profile* profile) {
  printf("%s: --n-gpu-layers %d --ctx-size %u --batch-size %u --ubatch-size %u\n", profile->name,
         (int)profile->n_gpu_layers, (unsigned)profile->n_ctx, (unsigned)profile->n_batch,
         (unsigned)profile->n_ubatch);
  if (profile->tokens_per_second.absent == NULL) {
    printf("  %.1f tokens/s (%.1f to %.1f)\n", profile->tokens_per_second.value,
           profile->tokens_per_second.low, profile->tokens_per_second.high);
  } else {
    printf("  speed unknown: %s\n", profile->tokens_per_second.absent);
  }
}

static void print_rungs(const sweetspot_choice* choice, size_t count) {
  size_t i = 0;
  for (i = 0; i < count; ++i) {
    sweetspot_rung rung = {0};
    sweetspot_profile profile = {0};
    rung.size = sizeof rung;
    profile.size = sizeof profile;
    if (sweetspot_choice_below(choice, i, &rung, &profile) != SWEETSPOT_OK) return;
    printf("  if that fails: %s (%d layers)\n", profile.name, (int)profile.n_gpu_layers);
  }
}

static int print_choice(const sweetspot_choice* choice) {
  sweetspot_choice_info info = {0};
  sweetspot_profile profile = {0};
  info.size = sizeof info;
  profile.size = sizeof profile;
  if (sweetspot_choice_get(choice, &info) != SWEETSPOT_OK) return 1;
  printf("%s\n", info.reason);
  if (sweetspot_choice_profile(choice, &profile) != SWEETSPOT_OK) return 1;
  print_profile(&profile);
  print_rungs(choice, info.below_count);
  return 0;
}

int main(int argc, char** argv) {
  sweetspot_options options = {0};
  sweetspot_requirements wanted = {0};
  sweetspot_library* lib = NULL;
  sweetspot_set* set = NULL;
  sweetspot_choice* choice = NULL;
  char* error = NULL;
  int result = 1;
  if (argc < 2) {
    fprintf(stderr, "choose MODEL.gguf [DATA_FOLDER]\n");
    return 2;
  }
  options.size = sizeof options;
  options.data_folder = argc > 2 ? argv[2] : NULL;
  wanted.size = sizeof wanted;
  wanted.min_ctx = 1024;
  if (sweetspot_open(&options, &lib, &error) != SWEETSPOT_OK) return give_up("open", error);
  if (sweetspot_set_of_model(lib, argv[1], NULL, &set, &error) != SWEETSPOT_OK) {
    give_up(argv[1], error);
  } else if (sweetspot_choose(lib, set, &wanted, &choice, &error) != SWEETSPOT_OK) {
    give_up("choose", error);
  } else {
    result = print_choice(choice);
  }
  sweetspot_choice_free(choice);
  sweetspot_set_free(set);
  sweetspot_close(lib);
  return result;
}
