#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "upstream.h"

enum { HEAD_LIMIT = 16 * 1024, BODY_LIMIT = 4 * 1024 * 1024 };

size_t request_size(const char *bytes, size_t count, bool *is_bad) {
    *is_bad = false;
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) {
        *is_bad = count > HEAD_LIMIT;
        return 0;
    }
    size_t body = 0;
    for (const char *line = memchr(bytes, '\n', count); line && line < end; line = memchr(line, '\n', (size_t)(end + 2 - line))) {
        line++;
        if (!strncasecmp(line, "content-length:", 15)) body = strtoul(line + 15, NULL, 10);
        // Clients that know their body's length, as all here do, say it.
        else if (!strncasecmp(line, "transfer-encoding:", 18)) *is_bad = true;
    }
    *is_bad |= body > BODY_LIMIT;
    size_t size = (size_t)(end + 4 - bytes) + body;
    return *is_bad || size > count ? 0 : size;
}

// Reads a number of at most nine digits; NULL if there is none.
static const char *number(const char *text, const char *end, uint64_t *value) {
    const char *start = text;
    for (*value = 0; text < end && *text >= '0' && *text <= '9' && text - start < 9; text++) *value = *value * 10 + (uint64_t)(*text - '0');
    return text > start ? text : NULL;
}

static bool starts(const char *text, const char *end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - text) >= length && !memcmp(text, word, length);
}

bool request_plan(const char *body, size_t count, plan *plan) {
    const char *end = body + count;
    for (const char *quote = body; (quote = memchr(quote, '"', (size_t)(end - quote)));) {
        const char *text = number(++quote, end, &plan->tokens);
        if (!text) continue;
        plan->interval_ns = 0;
        if (starts(text, end, " together\"")) return true;
        if (!starts(text, end, " every ")) continue;
        uint64_t milliseconds;
        text = number(text + 7, end, &milliseconds);
        plan->interval_ns = milliseconds * 1000000;
        if (text && milliseconds && starts(text, end, "\"")) return true;
    }
    return false;
}
