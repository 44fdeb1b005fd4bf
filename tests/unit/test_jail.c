/* jail: each forbidden thing is tried in a child that is in jail, and each thing that a run needs. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "log.h"

static char readable[] = "/tmp/moonkey-jail.r.XXXXXX", writable[] = "/tmp/moonkey-jail.w.XXXXXX",
            outside[] = "/tmp/moonkey-jail.o.XXXXXX";
static struct jail_status available;
static uint16_t port;  /* of a listening socket that the jail permits */
static uint16_t other; /* and of one that it does not */
static int listeners[2];

static const char *in(const char *directory, const char *name)
{
    static char path[2][128];
    static unsigned turn;
    char *p = path[turn++ % 2];
    snprintf(p, sizeof path[0], "%s/%s", directory, name);
    return p;
}

static void enter(void)
{
    const char *read[] = {readable, "/nowhere/at/all", NULL}, *write[] = {writable, NULL};
    const uint16_t ports[] = {port, 0};
    struct jail_status status;
    jail_enter(&(struct jail_rules){.read = read, .write = write, .ports = ports}, &status);
    if (memcmp(&status, &available, sizeof status) != 0)
        _exit(100);
}

/* What `act` comes to in jail: 0, an errno, or 1000 and the signal that ended it. */
static int in_jail(int (*act)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        enter();
        _exit(act());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int result(long value)
{
    return value < 0 ? errno : 0;
}

/* ---- what seccomp forbids */

static int run_a_program(void)
{
    return result(execl("/bin/true", "true", (char *)NULL));
}

static int run_by_descriptor(void)
{
    return result(syscall(SYS_execveat, open("/usr/bin/true", O_PATH), "", (char *[]){"true", NULL}, NULL, AT_EMPTY_PATH));
}

static int make_a_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int trace_the_parent(void)
{
    return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int read_the_parent(void)
{
    return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int signal_the_parent(void)
{
    return result(kill(getppid(), 0));
}

static int signal_the_group(void)
{
    return result(kill(0, 0));
}

static int signal_by_descriptor(void)
{
    return result(syscall(SYS_pidfd_open, getppid(), 0));
}

static int own_a_file(void)
{
    return result(fcntl(STDERR_FILENO, F_SETOWN, getppid()));
}

static int type_for_the_user(void)
{
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int type_with_more_bits(void)
{
    return result(syscall(SYS_ioctl, STDIN_FILENO, 0x100000000UL | TIOCSTI, "x"));
}

static int leave_the_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int clone_a_namespace(void)
{
    return result(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int mount_something(void)
{
    return result(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}

static int attack_the_kernel(void)
{
    const long calls[] = {SYS_bpf,    SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
                          SYS_keyctl, SYS_init_module,     SYS_kexec_load};
    for (size_t i = 0; i < COUNT(calls); i++)
        if (result(syscall(calls[i], 0, 0, 0, 0, 0)) != EPERM)
            return (int)i + 200;
    return EPERM;
}

static int limit_the_parent(void)
{
    struct rlimit limit;
    return result(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
}

static int change_personality(void)
{
    return result(personality(ADDR_NO_RANDOMIZE));
}

static int open_by_handle(void)
{
    return result(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY));
}

static int change_a_mode(void)
{
    return result(chmod(in(outside, "file"), 0777));
}

static int open_a_packet_socket(void)
{
    return result(socket(AF_PACKET, SOCK_DGRAM, 0));
}

static int open_a_vsock(void)
{
    return result(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int open_a_raw_socket(void)
{
    return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int talk_to_netfilter(void)
{
    return result(socket(AF_NETLINK, SOCK_RAW, 12));
}

static int be_a_server(void)
{
    return result(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
}

static void seccomp_forbids(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int (*act)(void);
    } cases[] = {
        {"run a program", run_a_program},
        {"run one by its descriptor", run_by_descriptor},
        {"make a process", make_a_process},
        {"trace the parent", trace_the_parent},
        {"read the parent's memory", read_the_parent},
        {"signal the parent", signal_the_parent},
        {"signal the process group", signal_the_group},
        {"signal by descriptor", signal_by_descriptor},
        {"have the kernel signal", own_a_file},
        {"type for the user", type_for_the_user},
        {"type, with bits that the kernel ignores", type_with_more_bits},
        {"leave the namespace", leave_the_namespace},
        {"clone into a namespace", clone_a_namespace},
        {"mount", mount_something},
        {"attack the kernel", attack_the_kernel},
        {"look at the parent's limits", limit_the_parent},
        {"change the personality", change_personality},
        {"open by handle", open_by_handle},
        {"change a mode", change_a_mode},
        {"open a packet socket", open_a_packet_socket},
        {"open a socket to the hypervisor", open_a_vsock},
        {"open a raw socket", open_a_raw_socket},
        {"talk to netfilter", talk_to_netfilter},
        {"be a server", be_a_server},
    };
    if (!available.seccomp)
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
#ifdef __SANITIZE_ADDRESS__
        if (cases[i].act == make_a_process || cases[i].act == trace_the_parent)
            continue; /* left to the leak checker */
#endif
        assert_int_equal(in_jail(cases[i].act), EPERM);
    }
}

/* ---- what Landlock forbids */

static int read_outside(void)
{
    return result(open(in(outside, "file"), O_RDONLY));
}

static int read_by_link(void)
{
    return result(open(in(readable, "link"), O_RDONLY));
}

static int list_outside(void)
{
    return result(open(outside, O_RDONLY | O_DIRECTORY));
}

static int write_where_reading_is_permitted(void)
{
    return result(open(in(readable, "file"), O_WRONLY));
}

static int create_outside(void)
{
    return result(open(in(outside, "new"), O_WRONLY | O_CREAT, 0600));
}

static int remove_outside(void)
{
    return result(unlink(in(outside, "file")));
}

static int read_shadow(void)
{
    return result(open("/etc/shadow", O_RDONLY));
}

static int move_in(void)
{
    return result(rename(in(outside, "file"), in(writable, "file"))) ? EACCES : 0; /* or EXDEV */
}

static void landlock_forbids(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int (*act)(void);
    } cases[] = {
        {"read outside", read_outside},           {"read outside through a link", read_by_link},
        {"list outside", list_outside},           {"write where only reading is permitted", write_where_reading_is_permitted},
        {"create outside", create_outside},       {"remove outside", remove_outside},
        {"read what only root may", read_shadow}, {"move a file in", move_in},
    };
    if (!available.landlock)
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        assert_int_equal(in_jail(cases[i].act), EACCES);
    }
}

static int connect_to(uint16_t to)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&address, sizeof address));
}

static int connect_to_the_api(void)
{
    return connect_to(port);
}

static int connect_elsewhere(void)
{
    return connect_to(other);
}

static void ports(void **state)
{
    (void)state;
    assert_int_equal(in_jail(connect_to_the_api), 0);
    if (available.landlock >= 4)
        assert_int_equal(in_jail(connect_elsewhere), EACCES);
}

/* ---- what goes on working */

static int read_inside(void)
{
    return result(open(in(readable, "file"), O_RDONLY));
}

static int write_inside(void)
{
    char c = 0;
    int fd = open(in(writable, "new"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || pread(fd, &c, 1, 0) != 1 || c != 'x')
        return errno;
    return result(rename(in(writable, "new"), in(writable, "newer"))) || result(unlink(in(writable, "newer")));
}

static void *leave_a_mark(void *mark)
{
    *(int *)mark = result(open(in(outside, "file"), O_RDONLY));
    return NULL;
}

/* Threads of later are in jail, too. */
static int have_threads(void)
{
    pthread_t thread;
    int mark = -1;
    if (pthread_create(&thread, NULL, leave_a_mark, &mark) != 0 || pthread_join(thread, NULL) != 0)
        return errno;
    return mark == (available.landlock ? EACCES : 0) ? 0 : 201;
}

static void *sleep_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static int cancel_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
        return errno;
    return pthread_cancel(thread) || pthread_join(thread, NULL);
}

static int look_up_a_name(void)
{
    struct addrinfo *found = NULL;
    int failed = getaddrinfo("localhost", "https", NULL, &found);
    if (!failed)
        freeaddrinfo(found);
    return failed ? 202 : 0;
}

static int signal_itself(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) || kill(getpid(), SIGUSR1);
}

static int use_devices(void)
{
    int fd = open("/dev/null", O_WRONLY);
    return fd < 0 || write(fd, "x", 1) != 1 ? errno : result(open("/dev/urandom", O_RDONLY));
}

static int abort_itself(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    abort();
}

static void what_a_run_needs_works(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int (*act)(void);
        int expected;
    } cases[] = {
        {"read inside", read_inside, 0},         {"write inside", write_inside, 0},       {"have threads", have_threads, 0},
        {"cancel a thread", cancel_a_thread, 0}, {"look a name up", look_up_a_name, 0},   {"signal itself", signal_itself, 0},
        {"use devices", use_devices, 0},         {"abort", abort_itself, 1000 + SIGABRT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        assert_int_equal(in_jail(cases[i].act), cases[i].expected);
    }
}

static int is_permanent(void)
{
    const char *everything[] = {"/", NULL};
    struct jail_status status;
    jail_enter(&(struct jail_rules){.read = everything, .write = everything}, &status);
    return read_outside();
}

static void a_second_one_lifts_nothing(void **state)
{
    (void)state;
    if (!available.landlock)
        skip();
    assert_int_equal(in_jail(is_permanent), EACCES);
}

static void trying_changes_nothing(void **state)
{
    (void)state;
    assert_true(available.no_new_privs);
    assert_false(jail_is_entered());
    assert_int_equal(read_outside(), 0);
    assert_int_equal(available.seccomp, available.seccomp_why[0] == '\0');
    assert_int_equal(available.landlock > 0, available.landlock_why[0] == '\0');
}

/* ---- */

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static uint16_t listen_somewhere(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(*fd, 16), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(readable) || !mkdtemp(writable) || !mkdtemp(outside) || !jail_try(&available))
        return -1;
    make_file(in(readable, "file"));
    make_file(in(outside, "file"));
    port = listen_somewhere(&listeners[0]);
    other = listen_somewhere(&listeners[1]);
    print_message("here: seccomp: %s; Landlock: %d %s\n", available.seccomp ? "yes" : available.seccomp_why, available.landlock,
                  available.landlock_why);
    return symlink(in(outside, "file"), in(readable, "link"));
}

static int tear_down(void **state)
{
    (void)state;
    unlink(in(readable, "link"));
    unlink(in(readable, "file"));
    unlink(in(outside, "file"));
    return rmdir(readable) || rmdir(writable) || rmdir(outside) ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trying_changes_nothing), cmocka_unit_test(seccomp_forbids),
        cmocka_unit_test(landlock_forbids),       cmocka_unit_test(ports),
        cmocka_unit_test(what_a_run_needs_works), cmocka_unit_test(a_second_one_lifts_nothing),
    };
    log_configure(&(struct log_options){.level = LOG_OFF});
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
