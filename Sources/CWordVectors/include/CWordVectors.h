#ifndef CWORDVECTORS_H
#define CWORDVECTORS_H

#include <stddef.h>

/// The vectors of English words that the embedder `local` adds up: the file `english.vectors`, as `.ci/word-vectors` writes it.
///
/// All numbers are little-endian. 4 bytes `MRWV`; three numbers of 4 bytes: the format's version (1), the number of words W and of a vector's
/// numbers N. Then W hashes of 8 bytes, ascending (of a word's stem by Porter; `WordHash` in Swift); W bytes: how rare each word is,
/// ln(1 / the share of passages that have it), in sixteenths; W rows of N / 2 bytes: the vectors, two numbers a byte, the first in its low half,
/// each from 0 to 15 for -7.5 to 7.5; a row's length is to be made 1.
const unsigned char *millrace_word_vectors_bytes(void);
/// How many bytes that are.
size_t millrace_word_vectors_length(void);

#endif
