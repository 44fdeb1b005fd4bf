/* unit: see unit.h. */
#include "unit.h"

#include <unistd.h>

int unit_rounds(int all)
{
    const char *percent = getenv("UNIT_PERCENT");
    return percent ? 1 + all / 100 * atoi(percent) : all;
}

char *unit_capture(void (*body)(void *arg), void *arg)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    body(arg);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    long size = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(fileno(file), text, (size_t)size, 0), size);
    fclose(file);
    return text;
}
