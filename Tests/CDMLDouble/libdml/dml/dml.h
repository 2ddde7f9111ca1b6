#pragma once
// libdml's own names for the double, so that it can take libdml's place in a build with the trait
// DML: a machine without an accelerator. See .ci/dml.sh.
#include "CDMLDouble.h"

typedef dmldouble_path_t dml_path_t;
typedef dmldouble_operation_t dml_operation_t;
typedef dmldouble_status_t dml_status_t;
typedef uint64_t dml_operation_flags_t;
typedef dmldouble_job_t dml_job_t;
typedef struct {
  uint32_t major, minor, patch;
} dml_library_version_t;

static const dml_path_t DML_PATH_SW = DMLDOUBLE_PATH_SW;
static const dml_path_t DML_PATH_HW = DMLDOUBLE_PATH_HW;
static const dml_operation_t DML_OP_NOP = DMLDOUBLE_OP_NOP;
static const dml_operation_t DML_OP_BATCH = DMLDOUBLE_OP_BATCH;
static const dml_operation_t DML_OP_MEM_MOVE = DMLDOUBLE_OP_MEM_MOVE;
static const dml_operation_t DML_OP_FILL = DMLDOUBLE_OP_FILL;
static const dml_operation_t DML_OP_COMPARE = DMLDOUBLE_OP_COMPARE;
static const dml_operation_t DML_OP_CRC = DMLDOUBLE_OP_CRC;
static const dml_operation_t DML_OP_COPY_CRC = DMLDOUBLE_OP_COPY_CRC;
static const dml_operation_t DML_OP_DUALCAST = DMLDOUBLE_OP_DUALCAST;
static const dml_status_t DML_STATUS_OK = DMLDOUBLE_STATUS_OK;
static const dml_status_t DML_STATUS_JOB_OPERATION_ERROR = DMLDOUBLE_STATUS_JOB_OPERATION_ERROR;
#define DML_FLAG_PREFETCH_CACHE 0x100u
#define DML_FLAG_CRC_READ_SEED 0x10000u

static inline const dml_library_version_t *dml_get_library_version(void) {
  static const dml_library_version_t none = {0, 0, 0};
  return &none;
}
static inline dml_status_t dml_get_job_size(dml_path_t path, uint32_t *size) {
  return dmldouble_get_job_size(path, size);
}
static inline dml_status_t dml_init_job(dml_path_t path, dml_job_t *job) {
  return dmldouble_init_job(dmldouble_default(), path, job);
}
static inline dml_status_t dml_finalize_job(dml_job_t *job) { return dmldouble_finalize_job(job); }
static inline dml_status_t dml_submit_job(dml_job_t *job) { return dmldouble_submit_job(job); }
static inline dml_status_t dml_check_job(dml_job_t *job) { return dmldouble_check_job(job); }
static inline dml_status_t dml_get_batch_size(const dml_job_t *job, uint32_t count,
                                              uint32_t *size) {
  return dmldouble_get_batch_size(job, count, size);
}
static inline dml_status_t dml_batch_set_nop_by_index(dml_job_t *job, uint32_t index,
                                                      uint64_t flags) {
  return dmldouble_batch_set_nop_by_index(job, index, flags);
}
static inline dml_status_t dml_batch_set_mem_move_by_index(dml_job_t *job, uint32_t index,
                                                           uint8_t *source, uint8_t *destination,
                                                           uint32_t length, uint64_t flags) {
  return dmldouble_batch_set_mem_move_by_index(job, index, source, destination, length, flags);
}
static inline dml_status_t dml_batch_set_dualcast_by_index(dml_job_t *job, uint32_t index,
                                                           uint8_t *source, uint8_t *first,
                                                           uint8_t *second, uint32_t length,
                                                           uint64_t flags) {
  return dmldouble_batch_set_dualcast_by_index(job, index, source, first, second, length, flags);
}
static inline dml_status_t dml_batch_set_fill_by_index(dml_job_t *job, uint32_t index,
                                                       const uint8_t *pattern,
                                                       uint8_t *destination, uint32_t length,
                                                       uint64_t flags) {
  return dmldouble_batch_set_fill_by_index(job, index, pattern, destination, length, flags);
}
static inline dml_status_t dml_batch_get_status(const dml_job_t *job, uint32_t index,
                                                dml_status_t *status) {
  return dmldouble_batch_get_status(job, index, status);
}
