/* Who holds the lock of a file: another process, by either kind of lock, and never we ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockholder.h"

static char path[] = "/tmp/moonkey-lock.XXXXXX";

static int by_flock(int fd)
{
    return flock(fd, LOCK_EX);
}

static int by_fcntl(int fd)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510}; /* as SQLite reads */

    return fcntl(fd, F_SETLK, &lock);
}

/* A child that holds the lock until it is killed. */
static pid_t child_with(int (*lock)(int fd))
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(path, O_RDWR);
        if (fd < 0 || lock(fd) != 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void test_another_process(void **state)
{
    (void)state;
    pid_t child = child_with(by_flock);
    assert_int_equal(lock_holder(path), child);
    end(child);
    assert_int_equal(lock_holder(path), 0);
    child = child_with(by_fcntl);
    assert_int_equal(lock_holder(path), child);
    end(child);
}

static void test_ourselves(void **state)
{
    int fd = open(path, O_RDWR);

    (void)state;
    assert_int_equal(by_flock(fd), 0);
    assert_int_equal(by_fcntl(fd), 0);
    assert_int_equal(lock_holder(path), 0);
    close(fd);
}

static void test_no_file(void **state)
{
    (void)state;
    assert_int_equal(lock_holder("/nonexistent/x"), 0);
    assert_int_equal(lock_holder("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_process),
        cmocka_unit_test(test_ourselves),
        cmocka_unit_test(test_no_file),
    };
    int fd = mkstemp(path), failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
