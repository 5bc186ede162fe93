/*
 * A library for LD_PRELOAD that makes files fail the way cards and disks do. $FAULTS names a file of rules, one a line:
 *
 *   read  FRAGMENT flip AT             one bit of byte AT arrives wrong, the first time the file is read
 *   read  FRAGMENT flip-again AT       the same the second time it is read
 *   read  FRAGMENT bad FROM TO         unreadable spot: a read that runs into it comes back short, one inside it is EIO
 *   read  FRAGMENT bad-once FROM TO    the same until it has failed once
 *   read  FRAGMENT gone                ENODEV, as from a card that is not there any more
 *   read  FRAGMENT end AT              the file gives no byte from AT on, without an error
 *   read  FRAGMENT short AT            a read across AT comes back short, every time, without an error
 *   read  FRAGMENT note                nothing: only that its first byte was asked for is written down
 *   read  FRAGMENT grow | shrink | replace | remove    the file changes when its first byte has been read, once
 *   write FRAGMENT flip NTH AT         one bit of byte AT is written wrong, in the NTH of these files
 *   sync  FRAGMENT rot NTH AT IMAGE    after the NTH of these files was synced, one bit of byte AT changes in the disk's
 *                                      image, below the page cache
 *
 * A rule holds for files whose path contains FRAGMENT. Every fault is a line in $FAULTS.log: "ACTION PATH". What happens
 * once is remembered in files beside it, across processes. Build: cc -shared -fPIC -o faults.so faults.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define RULES 32
#define PATH_BYTES 4096

struct rule {
  char call[8], fragment[256], action[16];
  long long a, b;
  char image[PATH_BYTES];
  long long seen; /* files met so far, by the rules that count */
};

static struct rule rules[RULES];
static int rule_count;
static const char *faults;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);

__attribute__((constructor)) static void load(void) {
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  faults = getenv("FAULTS");
  FILE *file = faults == NULL ? NULL : fopen(faults, "r");
  if (file == NULL) return;
  char line[PATH_BYTES + 512];
  while (rule_count < RULES && fgets(line, sizeof line, file) != NULL) {
    struct rule *rule = &rules[rule_count];
    if (sscanf(line, "%7s %255s %15s %lld %lld %4095s", rule->call, rule->fragment, rule->action, &rule->a, &rule->b, rule->image) >= 3)
      rule_count++;
  }
  fclose(file);
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(link, path, PATH_BYTES - 1);
  if (count < 1 || path[0] != '/') return 0;
  path[count] = 0;
  return 1;
}

static void tell(const struct rule *rule, const char *path) {
  char name[PATH_BYTES], line[PATH_BYTES + 64];
  snprintf(name, sizeof name, "%s.log", faults);
  int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int count = snprintf(line, sizeof line, "%s %s\n", rule->action, path);
  if (fd < 0 || real_write(fd, line, count) != count) abort();
  close(fd);
}

/* The file that says that the rule has met this file, in any process. */
static void marker_of(const struct rule *rule, const char *path, char *name) {
  unsigned long long hash = 14695981039346656037ull; /* FNV-1a */
  for (const char *at = path; *at != 0; at++) hash = (hash ^ (unsigned char)*at) * 1099511628211ull;
  snprintf(name, PATH_BYTES, "%s.%s-%llx", faults, rule->action, hash);
}

static int is_over(const struct rule *rule, const char *path) {
  char name[PATH_BYTES];
  marker_of(rule, path, name);
  return access(name, F_OK) == 0;
}

/* Whether this is the first time that the rule meets this file. */
static int is_first(const struct rule *rule, const char *path) {
  char name[PATH_BYTES];
  marker_of(rule, path, name);
  int marker = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (marker < 0) return 0;
  close(marker);
  return 1;
}

static void change(const struct rule *rule, const char *path) {
  char other[PATH_BYTES + 8];
  snprintf(other, sizeof other, "%s.new", path);
  int fd = -1;
  if (strcmp(rule->action, "grow") == 0) fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (strcmp(rule->action, "replace") == 0) fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) {
    if (real_write(fd, "another shot\n", 13) != 13) abort();
    close(fd);
  }
  if (strcmp(rule->action, "replace") == 0 && rename(other, path) != 0) abort();
  if (strcmp(rule->action, "shrink") == 0 && truncate(path, 1000) != 0) abort();
  if (strcmp(rule->action, "remove") == 0 && unlink(path) != 0) abort();
  tell(rule, path);
}

static ssize_t faulty_read(int fd, void *buffer, size_t size, off_t at) {
  char path[PATH_BYTES];
  if (rule_count == 0 || !path_of(fd, path)) return real_pread(fd, buffer, size, at);
  pthread_mutex_lock(&lock);
  struct rule *flip = NULL, *again = NULL, *changes = NULL;
  int is_bad = 0, is_gone = 0;
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, "read") != 0 || strstr(path, rule->fragment) == NULL) continue;
    if (strcmp(rule->action, "end") == 0) {
      if (at >= rule->a) size = 0;
      else if (at + (off_t)size > rule->a) size = rule->a - at;
      if (size == 0) tell(rule, path);
    } else if (strcmp(rule->action, "short") == 0) {
      if (at < rule->a && at + (off_t)size > rule->a) {
        size = rule->a - at;
        tell(rule, path);
      }
    } else if (strcmp(rule->action, "gone") == 0) {
      is_bad = is_gone = 1;
      tell(rule, path);
    } else if (strncmp(rule->action, "bad", 3) == 0) {
      int is_once = strcmp(rule->action, "bad-once") == 0;
      if (at + (off_t)size <= rule->a || at >= rule->b || (is_once && is_over(rule, path))) continue;
      if (at < rule->a) size = rule->a - at;
      else if (!is_once || is_first(rule, path)) {
        is_bad = 1;
        tell(rule, path);
      }
    } else if (strcmp(rule->action, "flip") == 0) {
      if (at <= rule->a && at + (off_t)size > rule->a) flip = rule;
    } else if (at == 0 && strcmp(rule->action, "note") == 0) tell(rule, path);
    else if (strcmp(rule->action, "flip-again") == 0) {
      if (at <= rule->a && at + (off_t)size > rule->a) again = rule;
    } else if (at == 0) changes = rule;
  }
  ssize_t count = is_bad ? -1 : real_pread(fd, buffer, size, at);
  if (count > 0 && flip != NULL && at + count > flip->a && is_first(flip, path)) {
    ((unsigned char *)buffer)[flip->a - at] ^= 4;
    tell(flip, path);
  }
  if (count > 0 && again != NULL && at + count > again->a && !is_first(again, path)) {
    struct rule done = *again;
    strcpy(done.action, "flipped-again");
    if (is_first(&done, path)) {
      ((unsigned char *)buffer)[again->a - at] ^= 4;
      tell(again, path);
    }
  }
  if (count >= 0 && changes != NULL && is_first(changes, path)) change(changes, path);
  pthread_mutex_unlock(&lock);
  if (is_bad) errno = is_gone ? ENODEV : EIO;
  return count;
}

static ssize_t faulty_write(int fd, const void *buffer, size_t size) {
  char path[PATH_BYTES];
  if (rule_count == 0 || !path_of(fd, path)) return real_write(fd, buffer, size);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t count = -2;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rule_count && count == -2; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, "write") != 0 || strstr(path, rule->fragment) == NULL) continue;
    if (at > rule->b || at + (off_t)size <= rule->b || ++rule->seen != rule->a) continue;
    unsigned char *wrong = malloc(size);
    if (wrong == NULL) abort();
    memcpy(wrong, buffer, size);
    wrong[rule->b - at] ^= 4;
    count = real_write(fd, wrong, size);
    free(wrong);
    tell(rule, path);
  }
  pthread_mutex_unlock(&lock);
  return count == -2 ? real_write(fd, buffer, size) : count;
}

/* Changes the byte where the filesystem has put it on its device, whose image is an ordinary file of another filesystem. */
static void rot(const struct rule *rule, int fd, const char *path) {
  union {
    struct fiemap map;
    char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
  } ask;
  memset(&ask, 0, sizeof ask);
  ask.map.fm_start = rule->b;
  ask.map.fm_length = 1;
  ask.map.fm_flags = FIEMAP_FLAG_SYNC;
  ask.map.fm_extent_count = 1;
  if (ioctl(fd, FS_IOC_FIEMAP, &ask) != 0 || ask.map.fm_mapped_extents != 1) abort();
  const struct fiemap_extent *extent = &ask.map.fm_extents[0];
  off_t place = extent->fe_physical + (rule->b - extent->fe_logical);
  int image = open(rule->image, O_RDWR | O_CLOEXEC);
  unsigned char byte;
  if (image < 0 || real_pread(image, &byte, 1, place) != 1) abort();
  byte ^= 4;
  if (real_pwrite(image, &byte, 1, place) != 1 || real_fsync(image) != 0) abort();
  close(image);
  tell(rule, path);
}

int fsync(int fd) {
  char path[PATH_BYTES];
  int result = real_fsync(fd);
  if (result != 0 || rule_count == 0 || !path_of(fd, path)) return result;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, "sync") == 0 && strstr(path, rule->fragment) != NULL && ++rule->seen == rule->a) rot(rule, fd, path);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t pread64(int fd, void *buffer, size_t size, off_t at) { return faulty_read(fd, buffer, size, at); }
ssize_t pread(int fd, void *buffer, size_t size, off_t at) { return faulty_read(fd, buffer, size, at); }
ssize_t preadv64(int fd, const struct iovec *parts, int count, off_t at) {
  return count < 1 ? 0 : faulty_read(fd, parts[0].iov_base, parts[0].iov_len, at);
}
ssize_t write(int fd, const void *buffer, size_t size) { return faulty_write(fd, buffer, size); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return count < 1 ? 0 : faulty_write(fd, parts[0].iov_base, parts[0].iov_len);
}
