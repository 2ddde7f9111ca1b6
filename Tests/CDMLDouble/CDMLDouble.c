#include "CDMLDouble.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLANS = 1024 };

struct plans {
  dmldouble_plan_t plan[MAX_PLANS];
  uint32_t first, end;
};

struct dmldouble_device {
  pthread_mutex_t lock;
  dmldouble_setup_t setup;
  dmldouble_counts_t counts;
  struct plans plans[2];
  uint32_t init_status;
  uint64_t random;
  uintptr_t low, high;  // what a dry device has covered
};

/// An operation as it was submitted, of a job or of a batch.
struct task {
  dmldouble_operation_t operation;
  uint8_t *source[2];
  uint8_t *destination[2];
  uint32_t length;
  uint8_t pattern[8];
  uint32_t crc, result, offset, status;
};

/// What follows a job in its memory.
struct state {
  struct dmldouble_device *device;
  dmldouble_job_t *job;  // where the job was initialised
  dmldouble_path_t path;
  int is_taken;    // by the last submission
  int in_flight;
  dmldouble_plan_t plan;
  struct task task;
};

static const uint64_t known_flags = DMLDOUBLE_FLAG_PREFETCH_CACHE | DMLDOUBLE_FLAG_CRC_READ_SEED;

// MARK: The device

dmldouble_device_t *dmldouble_new(dmldouble_setup_t setup) {
  dmldouble_device_t *device = calloc(1, sizeof *device);
  pthread_mutex_init(&device->lock, NULL);
  dmldouble_setup(device, setup);
  return device;
}

void dmldouble_delete(dmldouble_device_t *device) {
  pthread_mutex_destroy(&device->lock);
  free(device);
}

void dmldouble_setup(dmldouble_device_t *device, dmldouble_setup_t setup) {
  pthread_mutex_lock(&device->lock);
  device->setup = setup;
  device->random = setup.seed;
  pthread_mutex_unlock(&device->lock);
}

void dmldouble_plan(dmldouble_device_t *device, int is_software, dmldouble_plan_t plan) {
  pthread_mutex_lock(&device->lock);
  struct plans *plans = &device->plans[is_software];
  plans->plan[plans->end++ % MAX_PLANS] = plan;
  pthread_mutex_unlock(&device->lock);
}

void dmldouble_fail_init(dmldouble_device_t *device, uint32_t status) {
  pthread_mutex_lock(&device->lock);
  device->init_status = status;
  pthread_mutex_unlock(&device->lock);
}

dmldouble_counts_t dmldouble_counts(dmldouble_device_t *device) {
  pthread_mutex_lock(&device->lock);
  dmldouble_counts_t counts = device->counts;
  pthread_mutex_unlock(&device->lock);
  return counts;
}

dmldouble_device_t *dmldouble_default(void) {
  static dmldouble_device_t device = {.lock = PTHREAD_MUTEX_INITIALIZER};
  return &device;
}

static uint32_t draw(struct dmldouble_device *device, uint32_t below) {
  device->random = device->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(device->random >> 33) % below;
}

static dmldouble_plan_t next_plan(struct dmldouble_device *device, int is_software,
                                  uint32_t length) {
  struct plans *plans = &device->plans[is_software];
  dmldouble_plan_t plan = {0};
  if (plans->first != plans->end) return plans->plan[plans->first++ % MAX_PLANS];
  if (device->setup.seed == 0 || is_software) return plan;
  plan.checks = draw(device, 4);
  uint32_t lot = draw(device, 8);
  if (lot == 0) plan.submit_status = draw(device, 2) ? 102 : 24;
  if (lot == 1 || lot == 2) {
    plan.status = lot == 1 ? 25 : 33;
    plan.done = length ? draw(device, length) : 0;
  }
  return plan;
}

// MARK: The work

static uint32_t crc32c(uint32_t seed, const uint8_t *bytes, uint32_t length) {
  uint32_t crc = ~seed;
  for (uint32_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

static int overlap(const uint8_t *a, const uint8_t *b, uint32_t length) {
  return a < b + length && b < a + length;
}

static void cover(struct dmldouble_device *device, uintptr_t start, uint32_t length) {
  device->counts.bytes += length;
  if (device->low == device->high) {
    device->low = start;
    device->high = start + length;
  } else if (start == device->high) {
    device->high += length;
  } else if (start + length == device->low) {
    device->low = start;
  } else {
    device->counts.gaps++;
  }
}

/// Does the first `length` bytes.
static void perform(struct dmldouble_device *device, struct task *task, uint32_t length) {
  uint8_t *to = task->destination[0], *from = task->source[0];
  if (device->setup.is_dry) {
    if (task->operation != DMLDOUBLE_OP_NOP) cover(device, (uintptr_t)(to ? to : from), length);
    return;
  }
  device->counts.bytes += length;
  switch (task->operation) {
    case DMLDOUBLE_OP_MEM_MOVE:
      if (overlap(to, from, task->length)) device->counts.overlaps++;
      memmove(to, from, length);
      break;
    case DMLDOUBLE_OP_FILL:
      for (uint32_t i = 0; i < length; i++) to[i] = task->pattern[i % 8];
      break;
    case DMLDOUBLE_OP_DUALCAST:
      memmove(to, from, length);
      memmove(task->destination[1], from, length);
      break;
    case DMLDOUBLE_OP_COPY_CRC:
      memmove(to, from, length);
      task->crc = crc32c(task->crc, from, length);
      break;
    case DMLDOUBLE_OP_CRC: task->crc = crc32c(task->crc, from, length); break;
    case DMLDOUBLE_OP_COMPARE:
      task->offset = length;
      for (uint32_t i = 0; i < length && task->result == 0; i++) {
        if (from[i] != task->source[1][i]) {
          task->result = 1;
          task->offset = i;
        }
      }
      break;
    default: break;
  }
}

static uint32_t validate(const struct task *task) {
  const uint8_t *to = task->destination[0], *from = task->source[0];
  switch (task->operation) {
    case DMLDOUBLE_OP_NOP: return 0;
    case DMLDOUBLE_OP_MEM_MOVE:
    case DMLDOUBLE_OP_COPY_CRC:
      if (!to || !from) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
      break;
    case DMLDOUBLE_OP_FILL:
      if (!to) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
      break;
    case DMLDOUBLE_OP_CRC:
      if (!from) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
      break;
    case DMLDOUBLE_OP_COMPARE:
      if (!from || !task->source[1]) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
      break;
    case DMLDOUBLE_OP_DUALCAST:
      if (!to || !from || !task->destination[1]) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
      if (((uintptr_t)to ^ (uintptr_t)task->destination[1]) & 0xfff)
        return DMLDOUBLE_STATUS_DUALCAST_ALIGN_ERROR;
      break;
    default: return DMLDOUBLE_STATUS_JOB_OPERATION_ERROR;
  }
  if (task->length == 0) return DMLDOUBLE_STATUS_JOB_LENGTH_ERROR;
  if (task->operation == DMLDOUBLE_OP_COPY_CRC && overlap(to, from, task->length))
    return DMLDOUBLE_STATUS_OVERLAPPING_BUFFER_ERROR;
  return 0;
}

// MARK: Lists

static struct task *list_of(const dmldouble_job_t *job, uint32_t *count) {
  uintptr_t start = ((uintptr_t)job->destination_first_ptr + 63) & ~(uintptr_t)63;
  *count = job->destination_length / sizeof(struct task);
  return (struct task *)start;
}

dmldouble_status_t dmldouble_get_batch_size(const dmldouble_job_t *job, uint32_t count,
                                            uint32_t *size) {
  if (!job || !size) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
  if (count < 4) return DMLDOUBLE_STATUS_BATCH_SIZE_ERROR;
  *size = count * sizeof(struct task) + 64;
  return 0;
}

static dmldouble_status_t set(dmldouble_job_t *job, uint32_t index, struct task task,
                              uint64_t flags) {
  uint32_t count;
  struct task *list = list_of(job, &count);
  if (index >= count) return DMLDOUBLE_STATUS_BATCH_TASK_INDEX_OVERFLOW;
  if (flags & ~known_flags) return DMLDOUBLE_STATUS_JOB_FLAGS_ERROR;
  uint32_t status = validate(&task);
  if (status) return status;
  task.status = DMLDOUBLE_STATUS_INTERNAL_ERROR;  // what libdml says of one that was not reached
  list[index] = task;
  return 0;
}

dmldouble_status_t dmldouble_batch_set_nop_by_index(dmldouble_job_t *job, uint32_t index,
                                                    uint64_t flags) {
  return set(job, index, (struct task){.operation = DMLDOUBLE_OP_NOP}, flags);
}

dmldouble_status_t dmldouble_batch_set_mem_move_by_index(dmldouble_job_t *job, uint32_t index,
                                                         uint8_t *source, uint8_t *destination,
                                                         uint32_t length, uint64_t flags) {
  struct task task = {.operation = DMLDOUBLE_OP_MEM_MOVE, .source = {source},
                      .destination = {destination}, .length = length};
  return set(job, index, task, flags);
}

dmldouble_status_t dmldouble_batch_set_dualcast_by_index(dmldouble_job_t *job, uint32_t index,
                                                         uint8_t *source, uint8_t *first,
                                                         uint8_t *second, uint32_t length,
                                                         uint64_t flags) {
  struct task task = {.operation = DMLDOUBLE_OP_DUALCAST, .source = {source},
                      .destination = {first, second}, .length = length};
  return set(job, index, task, flags);
}

dmldouble_status_t dmldouble_batch_set_fill_by_index(dmldouble_job_t *job, uint32_t index,
                                                     const uint8_t *pattern, uint8_t *destination,
                                                     uint32_t length, uint64_t flags) {
  struct task task = {.operation = DMLDOUBLE_OP_FILL, .destination = {destination},
                      .length = length};
  memcpy(task.pattern, pattern, 8);
  return set(job, index, task, flags);
}

dmldouble_status_t dmldouble_batch_get_status(const dmldouble_job_t *job, uint32_t index,
                                              dmldouble_status_t *status) {
  uint32_t count;
  struct task *list = list_of(job, &count);
  if (index >= count) return DMLDOUBLE_STATUS_BATCH_TASK_INDEX_OVERFLOW;
  *status = list[index].status;
  return 0;
}

/// Does the first `limit` operations of a list; the next one ends with `status`.
static uint32_t perform_list(struct dmldouble_device *device, const dmldouble_job_t *job,
                             int is_software, uint32_t limit, uint32_t status) {
  uint32_t count;
  struct task *list = list_of(job, &count);
  uint32_t transfer_limit = is_software ? 0 : device->setup.transfer_limit;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t failure = i == limit ? status : 0;
    if (!failure && transfer_limit && list[i].length > transfer_limit)
      failure = DMLDOUBLE_STATUS_JOB_LENGTH_ERROR;
    if (failure) {
      list[i].status = failure;
      return status == DMLDOUBLE_STATUS_PAGE_FAULT_ERROR ? status : DMLDOUBLE_STATUS_BATCH_ERROR;
    }
    perform(device, &list[i], list[i].length);
    list[i].status = 0;
  }
  return 0;
}

// MARK: Jobs

dmldouble_status_t dmldouble_get_job_size(dmldouble_path_t path, uint32_t *size) {
  (void)path;
  *size = sizeof(dmldouble_job_t) + 64 + sizeof(struct state);
  return 0;
}

static struct state *state_of(const dmldouble_job_t *job) {
  return (struct state *)(void *)job->internal_data_ptr;
}

dmldouble_status_t dmldouble_init_job(dmldouble_device_t *device, dmldouble_path_t path,
                                      dmldouble_job_t *job) {
  pthread_mutex_lock(&device->lock);
  dmldouble_status_t status = device->init_status;
  device->init_status = 0;
  if (!status) {
    device->counts.initialised++;
    uint32_t size;
    dmldouble_get_job_size(path, &size);
    memset(job, 0, size);
    job->numa_id = UINT32_MAX;
    job->internal_data_ptr = (uint8_t *)(((uintptr_t)(job + 1) + 63) & ~(uintptr_t)63);
    *state_of(job) = (struct state){.device = device, .job = job, .path = path};
  }
  pthread_mutex_unlock(&device->lock);
  return status;
}

dmldouble_status_t dmldouble_finalize_job(dmldouble_job_t *job) {
  struct state *state = state_of(job);
  pthread_mutex_lock(&state->device->lock);
  state->device->counts.finalised++;
  if (state->job != job || state->in_flight) state->device->counts.misuses++;
  pthread_mutex_unlock(&state->device->lock);
  return 0;
}

/// Ends the job that was taken, and does what is to be done of it.
static void finish(struct dmldouble_device *device, dmldouble_job_t *job, struct state *state) {
  int is_software = state->path == DMLDOUBLE_PATH_SW;
  struct task *task = &state->task;
  uint32_t status = state->plan.status;
  if (task->operation == DMLDOUBLE_OP_BATCH) {
    uint32_t limit = status ? state->plan.done : UINT32_MAX;
    task->status = perform_list(device, job, is_software, limit, status);
    return;
  }
  uint32_t limit = is_software ? 0 : device->setup.transfer_limit;
  if (limit && task->length > limit) {
    task->status = DMLDOUBLE_STATUS_JOB_LENGTH_ERROR;
    return;
  }
  uint32_t length = status && state->plan.done < task->length ? state->plan.done : task->length;
  perform(device, task, length);
  task->status = status;
}

static dmldouble_status_t submit(struct dmldouble_device *device, dmldouble_job_t *job,
                                 struct state *state) {
  int is_software = state->path == DMLDOUBLE_PATH_SW;
  uint64_t flags = job->flags;
  if (state->job != job || state->in_flight) {
    device->counts.misuses++;
    return DMLDOUBLE_STATUS_JOB_CORRUPTED;
  }
  state->is_taken = 0;
  if (is_software) device->counts.software_submissions++;
  else device->counts.submissions++;
  // Flags must be written anew each time: like libdml, but so that nobody can miss it.
  job->flags = UINT64_MAX;
  if (flags & ~known_flags) return DMLDOUBLE_STATUS_JOB_FLAGS_ERROR;
  struct task task = {
      .operation = job->operation,
      .source = {job->source_first_ptr, job->source_second_ptr},
      .destination = {job->destination_first_ptr, job->destination_second_ptr},
      .length = job->operation == DMLDOUBLE_OP_FILL ? job->destination_length
                                                    : job->source_length};
  memcpy(task.pattern, job->pattern, 8);
  if (task.operation == DMLDOUBLE_OP_BATCH) {
    list_of(job, &task.length);
    if (task.length < 4 || (!is_software && device->setup.batch_limit &&
                            task.length > device->setup.batch_limit))
      return DMLDOUBLE_STATUS_BATCH_SIZE_ERROR;
  } else {
    uint32_t status = validate(&task);
    if (status) return status;
  }
  if (task.operation == DMLDOUBLE_OP_CRC || task.operation == DMLDOUBLE_OP_COPY_CRC) {
    if (!job->crc_checksum_ptr) return DMLDOUBLE_STATUS_NULL_POINTER_ERROR;
    if (flags & DMLDOUBLE_FLAG_CRC_READ_SEED) task.crc = *job->crc_checksum_ptr;
  }
  if (!is_software && !device->setup.has_device) return DMLDOUBLE_STATUS_LIBACCEL_NOT_FOUND;
  dmldouble_plan_t plan = next_plan(device, is_software, task.length);
  if (plan.submit_status) return plan.submit_status;
  if (!is_software && device->counts.in_flight >= device->setup.queue_size)
    return DMLDOUBLE_STATUS_WORK_QUEUES_NOT_AVAILABLE;
  state->plan = plan;
  state->task = task;
  state->is_taken = 1;
  if (is_software) {
    finish(device, job, state);
  } else {
    state->in_flight = 1;
    device->counts.in_flight++;
  }
  return 0;
}

dmldouble_status_t dmldouble_submit_job(dmldouble_job_t *job) {
  struct state *state = state_of(job);
  struct dmldouble_device *device = state->device;
  pthread_mutex_lock(&device->lock);
  dmldouble_status_t status = submit(device, job, state);
  pthread_mutex_unlock(&device->lock);
  return status;
}

dmldouble_status_t dmldouble_check_job(dmldouble_job_t *job) {
  struct state *state = state_of(job);
  struct dmldouble_device *device = state->device;
  pthread_mutex_lock(&device->lock);
  device->counts.checks++;
  dmldouble_status_t status = DMLDOUBLE_STATUS_BEING_PROCESSED;
  if (state->job != job || !state->is_taken) {
    device->counts.misuses++;
  } else if (state->plan.checks > 0) {
    state->plan.checks--;
  } else {
    if (state->in_flight) {
      finish(device, job, state);
      state->in_flight = 0;
      device->counts.in_flight--;
    }
    // As libdml: results of whatever was done, also if that is not all.
    job->result = state->task.result;
    job->offset = state->task.offset;
    if (job->crc_checksum_ptr && job->operation >= DMLDOUBLE_OP_CRC)
      *job->crc_checksum_ptr = state->task.crc;
    status = state->task.status;
  }
  pthread_mutex_unlock(&device->lock);
  return status;
}
