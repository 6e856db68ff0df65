// Does libllama export its memory breakdown? No installed header declares it; the return type is
// not part of the symbol's name, so any will do for a program that is linked and never run.
#include <llama.h>

int llama_get_memory_breakdown(const llama_context* context);

int main() { return llama_get_memory_breakdown(nullptr); }
