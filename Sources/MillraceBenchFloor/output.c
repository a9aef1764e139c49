#include <stdlib.h>
#include <string.h>

#include "floor.h"

char *output_reserve(output *out, size_t count) {
    if (out->capacity - out->end < count) {
        size_t capacity = out->capacity ? out->capacity : 256;
        while (capacity - out->end < count) capacity *= 2;
        out->bytes = realloc(out->bytes, capacity);
        if (!out->bytes) abort();
        out->capacity = capacity;
    }
    return out->bytes + out->end;
}

void output_append(output *out, const void *bytes, size_t count) {
    memcpy(output_reserve(out, count), bytes, count);
    out->end += count;
}

void output_release(output *out) {
    free(out->bytes);
    *out = (output){0};
}
