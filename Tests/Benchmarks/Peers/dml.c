// libdml by its software path, called directly: `copy N` copies N bytes.
#include "peer.h"

#include <dml/dml.h>

int main(int words, char **word) {
  if (words < 3 || strcmp(word[1], "copy")) return 2;
  uint32_t size = (uint32_t)atoi(word[2]), job_size = 0;
  char *from = malloc(size), *to = malloc(size);
  memset(from, 1, size);
  memset(to, 2, size);
  if (dml_get_job_size(DML_PATH_SW, &job_size) != DML_STATUS_OK) return 1;
  dml_job_t *job = malloc(job_size);
  if (dml_init_job(DML_PATH_SW, job) != DML_STATUS_OK) return 1;
  job->operation = DML_OP_MEM_MOVE;
  job->source_first_ptr = (uint8_t *)from;
  job->destination_first_ptr = (uint8_t *)to;
  job->source_length = job->destination_length = size;
  int count = (int)(50000000.0 / (size / 16.0 + 50)) + 5;
  uint64_t start = peer_now();
  for (int i = 0; i < count; i++) {
    if (dml_submit_job(job) != DML_STATUS_OK) return 1;
    while (dml_check_job(job) != DML_STATUS_OK) {}
  }
  peer_print_since(start, count);
  dml_finalize_job(job);
}
