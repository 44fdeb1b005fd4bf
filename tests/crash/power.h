/*
 * power: what is lost when the power fails: whatever was written, or made, and not followed by a sync of the file, or of its
 * directory. What is here is told of every write before it happens. Paths are absolute.
 */
#ifndef MOONKEY_TESTS_POWER_H
#define MOONKEY_TESTS_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void power_note_write(int fd, const char *path, off_t offset, size_t len);
void power_note_file(const char *path); /* it has been made */
/* A sync of a file makes its contents last; that of a directory, the names in it. */
void power_note_sync(const char *path, bool is_directory);
void power_note_unlink(const char *path);
/* Take it away: all of it for an even seed, as disks may, or a random half of the writes, as they may, too. */
void power_cut(unsigned long seed);

#endif
