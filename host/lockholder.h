/* lockholder: who has a file that is locked, for messages. */
#ifndef MOONKEY_LOCKHOLDER_H
#define MOONKEY_LOCKHOLDER_H

#include <sys/types.h>

/*
 * Another process that holds a lock on the file, of whatever kind; 0 when there is none, or the system does not tell. It asks
 * /proc/locks and does not open the file, because closing it would drop the locks that this process has on it (fcntl(2)).
 */
pid_t lock_holder(const char *path);

#endif
