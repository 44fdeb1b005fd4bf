/* replay: the main() of a fuzz target in ordinary builds: run every file of the directories given, in the order of their names.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0;
    REQUIRE(file);
    do {
        if (size == room)
            REQUIRE((data = realloc(data, room += 65536)));
        size += fread(data + size, 1, room - size, file);
    } while (!feof(file) && !ferror(file));
    REQUIRE(!ferror(file));
    fclose(file);
    fprintf(stderr, "%s\n", path); /* before it is run: what fails is the last one named */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    int seeds = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int count = scandir(argv[i], &entries, is_seed, alphasort);
        if (count < 0) {
            perror(argv[i]);
            return 1;
        }
        for (int k = 0; k < count; k++, seeds++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], entries[k]->d_name);
            run_file(path);
            free(entries[k]);
        }
        free(entries);
    }
    printf("%d seeds\n", seeds);
    return seeds > 0 ? 0 : 1; /* a test of nothing has not passed */
}
