// The fuzzers' program: libFuzzer brings `main` and calls this with one input after another. Which entry runs says MILLRACE_FUZZ_TARGET.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void millrace_fuzz_one_input(const uint8_t *start, size_t count);
void millrace_fuzz_list(void);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    if (*argc == 2 && strcmp((*argv)[1], "--list") == 0) {
        millrace_fuzz_list();
        exit(0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *start, size_t count) {
    millrace_fuzz_one_input(start, count);
    return 0;
}
