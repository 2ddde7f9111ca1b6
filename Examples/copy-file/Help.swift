/// What `--help` prints.
let helpText = """
  Copies a file with a data mover: both files are mapped, and several chunks are in flight.

  usage: copy-file SOURCE DESTINATION [options]
         copy-file --compare FILE FILE
         copy-file

  The copy appears under its name when it is complete; until then, and after a failure or a
  stop signal, whatever had that name stays as it was.

    --mover sync|threads|dml
                          who copies: this thread, worker threads (the default), or Intel's libdml
    --threads N           how many worker threads, 1 to \(Limit.threads); one for each processor
    --chunk BYTES         the bytes of one operation: 65536, 64K, 4M, 1GiB, ... (1M)
    --durable             the copy is on the disk, under its name, when the program ends
    --no-cache            write past the CPU caches
    --verify              compare the copy with the source before it gets its name
    --compare             compare two files, and tell the first byte that differs
    --help                print this
    --                    what follows are file names, even with a dash in front

  Without arguments: makes a 256 MiB file in /dev/shm, TMPDIR or /tmp, copies it with memcpy and
  with each mover, prints how fast each was, and cleans up.

  Exit status: 0, 1 if it could not be done or files differ, 2 if the command line is wrong.

  """
