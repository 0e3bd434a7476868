import RungCore
import RungModel

/// The environment variables of a step: the same on every machine but for PATH. HOME and TMPDIR come from the executor.
enum StepVariables {
  /// The variables in the order in which the step gets them; later ones win.
  ///
  /// - Parameters:
  ///   - cpus: the number of threads that numerical libraries are told to use; part of the key.
  ///   - declared: what the pipeline file declares.
  static func all(
    path: String, cpus: Int, gpus: [String], environmentFolder: String?,
    declared: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    var list: [(name: String, value: String)] = [
      ("PATH", path), ("TZ", "UTC"), ("LANG", "C.UTF-8"),
      ("LC_ALL", "C.UTF-8"),
      // The earliest date that a zip archive can hold, so that archives made by steps carry no clock.
      ("SOURCE_DATE_EPOCH", "315532800"),
      ("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONNOUSERSITE", "1"),
      // An empty list hides GPUs from steps that did not ask for one.
      ("CUDA_VISIBLE_DEVICES", gpus.joined(separator: ",")),
    ]
    // Sums depend on the number of threads in their last digits, and two jobs with two threads each are slower than one.
    for name in [
      "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
      "VECLIB_MAXIMUM_THREADS",
    ] {
      list.append((name, String(cpus)))
    }
    if let environmentFolder { list.append(("VIRTUAL_ENV", environmentFolder)) }
    return list + declared
  }

  /// The PATH of a step: the environment's programs before the caller's.
  static func path(environmentBin: String?, caller: String?) -> String {
    let base = caller.flatMap { $0.isEmpty ? nil : $0 } ?? "/usr/local/bin:/usr/bin:/bin"
    return environmentBin.map { "\($0):\(base)" } ?? base
  }
}
