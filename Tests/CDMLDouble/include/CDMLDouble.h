#pragma once
// A stand-in for Intel's libdml, for tests: the same job interface, over a device that does what a
// test wants of it. It keeps libdml's traps, and counts who steps into one.
//
// With the library of `libdml/` beside it, it also takes libdml's place in a build with the trait
// DML (.ci/dml.sh).
#include <stdint.h>

// MARK: The job interface, as libdml has it

typedef enum { DMLDOUBLE_PATH_AUTO, DMLDOUBLE_PATH_SW, DMLDOUBLE_PATH_HW } dmldouble_path_t;

typedef enum {
  DMLDOUBLE_OP_NOP = 0x00,
  DMLDOUBLE_OP_BATCH = 0x01,
  DMLDOUBLE_OP_MEM_MOVE = 0x03,
  DMLDOUBLE_OP_FILL = 0x04,
  DMLDOUBLE_OP_COMPARE = 0x05,
  DMLDOUBLE_OP_DUALCAST = 0x09,
  DMLDOUBLE_OP_CRC = 0x10,
  DMLDOUBLE_OP_COPY_CRC = 0x11,
} dmldouble_operation_t;

/// Only those that the double gives by itself; plans may have any number.
typedef enum {
  DMLDOUBLE_STATUS_OK = 0,
  DMLDOUBLE_STATUS_BEING_PROCESSED = 2,
  DMLDOUBLE_STATUS_INTERNAL_ERROR = 3,
  DMLDOUBLE_STATUS_NULL_POINTER_ERROR = 4,
  DMLDOUBLE_STATUS_BATCH_ERROR = 9,
  DMLDOUBLE_STATUS_JOB_OPERATION_ERROR = 13,
  DMLDOUBLE_STATUS_JOB_FLAGS_ERROR = 14,
  DMLDOUBLE_STATUS_JOB_LENGTH_ERROR = 15,
  DMLDOUBLE_STATUS_OVERLAPPING_BUFFER_ERROR = 18,
  DMLDOUBLE_STATUS_DUALCAST_ALIGN_ERROR = 19,
  DMLDOUBLE_STATUS_JOB_CORRUPTED = 23,
  DMLDOUBLE_STATUS_PAGE_FAULT_ERROR = 25,
  DMLDOUBLE_STATUS_BATCH_TASK_INDEX_OVERFLOW = 28,
  DMLDOUBLE_STATUS_BATCH_SIZE_ERROR = 29,
  DMLDOUBLE_STATUS_LIBACCEL_NOT_FOUND = 100,
  DMLDOUBLE_STATUS_WORK_QUEUES_NOT_AVAILABLE = 102,
} dmldouble_status_t;

enum {
  DMLDOUBLE_FLAG_PREFETCH_CACHE = 0x100,
  DMLDOUBLE_FLAG_CRC_READ_SEED = 0x10000,
};

typedef struct {
  uint8_t *source_first_ptr;
  uint8_t *source_second_ptr;
  uint8_t *destination_first_ptr;
  uint8_t *destination_second_ptr;
  uint32_t *crc_checksum_ptr;
  uint32_t source_length;
  uint32_t destination_length;
  uint32_t offset;
  uint8_t pattern[8];
  dmldouble_operation_t operation;
  uint32_t result;
  uint64_t flags;
  uint32_t numa_id;
  uint8_t *internal_data_ptr;
} dmldouble_job_t;

typedef struct dmldouble_device dmldouble_device_t;

dmldouble_status_t dmldouble_get_job_size(dmldouble_path_t path, uint32_t *size);
dmldouble_status_t dmldouble_init_job(dmldouble_device_t *, dmldouble_path_t, dmldouble_job_t *);
dmldouble_status_t dmldouble_finalize_job(dmldouble_job_t *);
dmldouble_status_t dmldouble_submit_job(dmldouble_job_t *);
dmldouble_status_t dmldouble_check_job(dmldouble_job_t *);

dmldouble_status_t dmldouble_get_batch_size(const dmldouble_job_t *, uint32_t count, uint32_t *size);
dmldouble_status_t dmldouble_batch_set_nop_by_index(dmldouble_job_t *, uint32_t index,
                                                    uint64_t flags);
dmldouble_status_t dmldouble_batch_set_mem_move_by_index(dmldouble_job_t *, uint32_t index,
                                                         uint8_t *source, uint8_t *destination,
                                                         uint32_t length, uint64_t flags);
dmldouble_status_t dmldouble_batch_set_dualcast_by_index(dmldouble_job_t *, uint32_t index,
                                                         uint8_t *source, uint8_t *first,
                                                         uint8_t *second, uint32_t length,
                                                         uint64_t flags);
dmldouble_status_t dmldouble_batch_set_fill_by_index(dmldouble_job_t *, uint32_t index,
                                                     const uint8_t *pattern, uint8_t *destination,
                                                     uint32_t length, uint64_t flags);
dmldouble_status_t dmldouble_batch_get_status(const dmldouble_job_t *, uint32_t index,
                                              dmldouble_status_t *status);

// MARK: What a test wants of the device

/// What is to become of a submission that libdml itself has nothing against.
typedef struct {
  /// Refuse it with this status; 0 takes it.
  uint32_t submit_status;
  /// How many checks say that it is being processed.
  uint32_t checks;
  /// End with this status; 0 does all of it.
  uint32_t status;
  /// How many bytes (of a batch: operations) to do before it ends with that.
  uint32_t done;
} dmldouble_plan_t;

/// How the device is made up. Zeros are a machine without one.
typedef struct {
  int has_device;
  /// How many jobs may be at work at once; more are refused with 102.
  uint32_t queue_size;
  /// More bytes end with 15, and nothing done; 0 for no limit.
  uint32_t transfer_limit;
  /// Longer batches are refused with 29; 0 for no limit.
  uint32_t batch_limit;
  /// Touch no memory: only count bytes, and look that each piece is next to the one before.
  int is_dry;
  /// Not 0: where no plan is left, draw one.
  uint64_t seed;
} dmldouble_setup_t;

/// What has happened.
typedef struct {
  uint64_t submissions;
  uint64_t software_submissions;
  uint64_t checks;
  uint64_t bytes;
  uint64_t initialised;
  uint64_t finalised;
  uint32_t in_flight;
  /// Pieces of a dry device that are not next to the one before.
  uint32_t gaps;
  /// Moves whose ranges overlap.
  uint32_t overlaps;
  /// Checks of what was never taken, moved jobs, jobs finalised or initialised while at work.
  uint32_t misuses;
} dmldouble_counts_t;

dmldouble_device_t *dmldouble_new(dmldouble_setup_t);
void dmldouble_delete(dmldouble_device_t *);
void dmldouble_setup(dmldouble_device_t *, dmldouble_setup_t);
/// Appends a plan for submissions to the hardware (or software) path.
void dmldouble_plan(dmldouble_device_t *, int is_software, dmldouble_plan_t);
/// Lets the next initialisation fail with this status.
void dmldouble_fail_init(dmldouble_device_t *, uint32_t status);
dmldouble_counts_t dmldouble_counts(dmldouble_device_t *);
/// The device of programs that know only libdml's names: a machine without one.
dmldouble_device_t *dmldouble_default(void);
