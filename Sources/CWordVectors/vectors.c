#include "CWordVectors.h"

static const unsigned char bytes[] = {
#embed "english.vectors"
};

const unsigned char *millrace_word_vectors_bytes(void) { return bytes; }

size_t millrace_word_vectors_length(void) { return sizeof bytes; }
