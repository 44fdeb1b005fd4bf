/* secret: see secret.h. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "redact.h"

enum {
    LONG_NAME = 32,       /* of a file; credentials have 64 characters */
    COMMAND_SECONDS = 120 /* somebody may have to type a pass phrase; without anybody, it must not wait for ever */
};

struct kind {
    const char *name, *command; /* in messages */
    bool for_header;            /* it is sent in a header of HTTP */
};

static const struct kind credential = {"credential", "the credential command", true};
static const struct kind password = {"queue's password", "the password command", false};

struct secret {
    char value[SECRET_MAX + 1];
    char origin[256];
    char token_id[SECRET_MAX];
};

__attribute__((format(printf, 2, 3))) static struct secret *refuse(char *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err, ERROR_SIZE, format, args);
    va_end(args);
    return NULL;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* `idt:TKN-0000-0001:…` names its own token. */
static void find_token_id(struct secret *s)
{
    const char *id = strncmp(s->value, "idt:", 4) == 0 ? s->value + 4 : "";
    size_t len = strcspn(id, ":");
    if (len < sizeof s->token_id && id[len] == ':')
        memcpy(s->token_id, id, len);
}

/* What follows the second colon, or all of it. */
static const char *bare(const struct secret *s)
{
    return *s->token_id ? s->value + strlen("idt:") + strlen(s->token_id) + 1 : s->value;
}

/* Also the bare part by itself: an echo may have changed or lost what stands before it. */
static int learn(const struct secret *s)
{
    return redact_learn(s->value, strlen(s->value)) == 0 && redact_learn(bare(s), strlen(bare(s))) == 0 ? 0 : -1;
}

/* RFC 9110, 5.5, and without spaces. A password may be of any text. */
static bool can_be_sent(const struct kind *kind, unsigned char c)
{
    return kind->for_header ? c > 0x20 && c < 0x7f : c >= 0x20 && c != 0x7f;
}

static struct secret *make(const struct kind *kind, const char *value, size_t len, const char *origin, char *err)
{
    while (len > 0 && is_space(value[len - 1]))
        len--;
    while (len > 0 && is_space(value[0])) {
        value++;
        len--;
    }
    if (len == 0)
        return refuse(err, "the %s from %s is empty", kind->name, origin);
    if (len > SECRET_MAX)
        return refuse(err, "the %s from %s is longer than %d bytes; is it the right one?", kind->name, origin, SECRET_MAX);
    for (size_t i = 0; i < len; i++)
        if (!can_be_sent(kind, (unsigned char)value[i]))
            return refuse(err, "the %s from %s has %s; give the %s alone, on one line", kind->name, origin,
                          kind->for_header ? "white space or other characters that cannot be sent in a header"
                                           : "control characters or more than one line",
                          kind->for_header ? "token" : "password");
    struct secret *s = calloc(1, sizeof *s);
    if (!s)
        return refuse(err, "out of memory while reading the %s", kind->name);
    memcpy(s->value, value, len);
    snprintf(s->origin, sizeof s->origin, "%s", origin);
    if (kind == &credential)
        find_token_id(s);
    const char *wrong = NULL;
    if (strlen(bare(s)) < REDACT_SHORTEST)
        wrong = "is too short: with under 8 characters it could not be masked where it is shown";
    else if (learn(s) != 0)
        wrong = "cannot be kept: out of memory";
    if (!wrong)
        return s;
    secret_free(s);
    return refuse(err, "the %s from %s %s", kind->name, origin, wrong);
}

struct secret *secret_new(const char *value, size_t len, const char *origin, char *err)
{
    return make(&credential, value, len, origin, err);
}

/* unsetenv() only forgets where they are: /proc/PID/environ would show them. */
void secret_wipe_env(const char *name)
{
    size_t len = strlen(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            explicit_bzero(*entry + len + 1, strlen(*entry + len + 1));
    unsetenv(name);
}

static struct secret *from_env(const struct kind *kind, const char *name, char *err)
{
    char *value = getenv(name);
    if (!value)
        return refuse(err, "the environment variable %s is not set", name);
    char origin[128];
    snprintf(origin, sizeof origin, "the environment variable %s", name);
    struct secret *s = make(kind, value, strlen(value), origin, err);
    secret_wipe_env(name);
    return s;
}

/* Is there something to read, or the end, before `until` (clock_now() scale; 0: wait for ever)? */
static bool comes(int fd, int64_t until)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t now;
    while (until && (now = clock_now()) < until) {
        int n = poll(&p, 1, (int)((until - now) / NS_PER_MS) + 1);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true; /* reading tells what is wrong */
    }
    return until == 0;
}

/* Everything that `fd` gives, at most SECRET_MAX + some white space. -1 on a read error, or when it is not there in time. */
static ssize_t read_all(int fd, char *into, size_t size, int64_t until)
{
    size_t len = 0;
    while (len < size) {
        if (!comes(fd, until)) {
            errno = ETIMEDOUT;
            return -1;
        }
        ssize_t n = read(fd, into + len, size - len);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            len += (size_t)n;
    }
    return (ssize_t)len;
}

static struct secret *read_from(const struct kind *kind, int fd, const char *origin, int64_t until, char *err)
{
    char text[SECRET_MAX + 64];
    ssize_t len = read_all(fd, text, sizeof text, until);
    struct secret *s = len < 0 ? refuse(err, "cannot read the %s from %s: %s", kind->name, origin, strerror(errno))
                               : make(kind, text, (size_t)len, origin, err);
    explicit_bzero(text, sizeof text);
    return s;
}

/* It is easy to give the secret itself where its file should be named. No file is named like that. */
static bool looks_like_secret(const struct kind *kind, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!kind->for_header && !slash) /* passwords look like anything */
        return true;
    return strncmp(name, "idt:", 4) == 0 || (strlen(name) >= LONG_NAME && !strchr(name, '.'));
}

static struct secret *refuse_file(const struct kind *kind, const char *path, char *err)
{
    int why = errno;
    if ((why != ENOENT && why != ENAMETOOLONG) || !looks_like_secret(kind, path))
        return refuse(err, "cannot read the %s from the file %s: %s", kind->name, path, strerror(why));
    const char *slash = strrchr(path, '/');
    redact_learn(path, strlen(path)); /* others may quote it */
    redact_learn(slash ? slash + 1 : path, strlen(slash ? slash + 1 : path));
    return refuse(err, "cannot read the %s from a file whose name looks like a %s: %s; give the name of a file that holds it",
                  kind->name, kind->for_header ? "credential" : "password", strerror(why));
}

static struct secret *from_file(const struct kind *kind, const char *path, char *err)
{
    char origin[256];
    snprintf(origin, sizeof origin, "the file %s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse_file(kind, path, err);
    struct stat st;
    struct secret *s = NULL;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))
        refuse(err, "cannot read the %s from %s: it is not a file", kind->name, origin);
    else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        refuse(err, "the %s file %s can be read by others (mode %04o); run: chmod 600 %s", kind->name, path,
               (unsigned)(st.st_mode & 07777), path);
    else if (fcntl(fd, F_SETFL, 0) == 0) /* a pipe may take its time; only opening it was not to wait */
        s = read_from(kind, fd, origin, 0, err);
    else
        refuse(err, "cannot read the %s from %s: %s", kind->name, origin, strerror(errno));
    close(fd);
    return s;
}

/* Does the process end by then? It may have said all, and go on for ever. */
static bool ends(pid_t pid, int *status, int64_t until)
{
    static const struct timespec moment = {.tv_nsec = NS_PER_MS};
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (clock_now() >= until)
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}

/* Not popen(): it gives no exit status when reading is cut short, and its descriptor would leak into other children. */
static struct secret *from_command(const struct kind *kind, const char *command, const char *origin, char *err)
{
    bool is_ours = origin != NULL;
    int fds[2];
    if (!origin)
        origin = kind->command;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return refuse(err, "cannot run %s: %s", origin, strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return refuse(err, "cannot run %s: %s", origin, strerror(errno));
    }
    int64_t until = clock_now() + COMMAND_SECONDS * NS_PER_S;
    struct secret *s = read_from(kind, fds[0], origin, until, err);
    close(fds[0]);
    int status = 0;
    if (!ends(pid, &status, until)) {
        bool is_there = s != NULL;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        secret_free(s);
        return refuse(err, "%s %s%s within %d s; %s", origin, is_there ? "did not end" : "gave no ", is_there ? "" : kind->name,
                      COMMAND_SECONDS, is_ours ? "find out what it waits for" : "run it by hand to see what it waits for");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        secret_free(s);
        return refuse(err, "%s failed (exit status %d); %s", origin,
                      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                      is_ours ? "its message stands above" : "run it by hand to see why");
    }
    return s;
}

struct secret *secret_from_env(const char *name, char *err)
{
    return from_env(&credential, name, err);
}

struct secret *secret_from_file(const char *path, char *err)
{
    return from_file(&credential, path, err);
}

struct secret *secret_from_command(const char *command, const char *origin, char *err)
{
    return from_command(&credential, command, origin, err);
}

struct secret *secret_password_from_env(const char *name, char *err)
{
    return from_env(&password, name, err);
}

struct secret *secret_password_from_file(const char *path, char *err)
{
    return from_file(&password, path, err);
}

struct secret *secret_password_from_command(const char *command, char *err)
{
    return from_command(&password, command, NULL, err);
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, sizeof *secret);
    free(secret);
}

const char *secret_value(const struct secret *secret)
{
    return secret->value;
}

const char *secret_origin(const struct secret *secret)
{
    return secret->origin;
}

const char *secret_token_id(const struct secret *secret)
{
    return secret->token_id;
}

int secret_protect_process(void)
{
    unsetenv("SSLKEYLOGFILE"); /* with the keys that libcurl would write there, whoever has the traffic has the credential */
#ifdef __SANITIZE_ADDRESS__
    return 0; /* the leak checker attaches to its own process, which this would forbid */
#else
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
