// The server under load: a child of the load generator, on processor 0.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t server;

static void stop_server(void) {
  if (server <= 0) return;
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  server = 0;
}

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "load: error: %s: %s\n", what, strerror(errno));
  stop_server();
  exit(1);
}

/// Starts a server that prints a line with its address, such as `listening on 0.0.0.0:7007`.
/// Returns the port: the number at the end of that line.
static int start_server(char **words) {
  int output[2];
  if (pipe(output)) fail("pipe");
  server = fork();
  if (server < 0) fail("fork");
  if (server == 0) {
    // It ends with the load generator, whatever becomes of that.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof first, &first);
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    close(output[1]);
    execvp(words[0], words);
    perror(words[0]);
    _exit(127);
  }
  close(output[1]);
  char line[512] = "";
  FILE *lines = fdopen(output[0], "r");
  // The stream stays open: whatever else the server says shall not stop it.
  if (!lines || !fgets(line, sizeof line, lines)) errno = ESRCH, fail(words[0]);
  size_t end = strlen(line);
  while (end > 0 && (line[end - 1] < '0' || line[end - 1] > '9')) end--;
  line[end] = 0;
  char *colon = strrchr(line, ':');
  if (!colon) errno = EPROTO, fail("the server did not say where it listens");
  return atoi(colon + 1);
}

/// The processor time that all threads of the server have used, in nanoseconds.
static uint64_t server_time(void) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%d/task", (int)server);
  DIR *threads = opendir(path);
  if (!threads) fail(path);
  uint64_t sum = 0;
  for (struct dirent *thread; (thread = readdir(threads));) {
    if (thread->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)server, thread->d_name);
    FILE *file = fopen(path, "r");
    unsigned long long time = 0;
    // A thread may have ended meanwhile.
    if (!file) continue;
    if (fscanf(file, "%llu", &time) == 1) sum += time;
    fclose(file);
  }
  closedir(threads);
  return sum;
}
