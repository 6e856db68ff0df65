/* The imported targets of llama.cpp ask for features of the C compiler, so a check needs a C
 * source. */
#include <llama.h>
