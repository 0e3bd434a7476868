import Glibc
import RungCore
import RungExec
import RungModel
import RungPlan

/// Slurm, through its commands (sbatch(1), squeue(1), scancel(1); tried with 22.05): one command asks for all allocations
/// that are wanted alike, and one tells of all jobs.
///
/// An exit code that Slurm gives is never taken for that of a step: workers say what came of steps, and a job that is over
/// without its worker having said so was lost.
public struct SlurmCluster: Cluster {
  private let settings: ProjectSettings.Slurm
  private let variables: [(name: String, value: String)]
  private let rung: String

  /// "Slurm".
  public var name: String { "Slurm" }

  // An answer takes some milliseconds, and a minute where the controller is just being started again.
  private static let timeout = TimeSpan(nanoseconds: 60_000_000_000)
  // Of the environment of this process, what workers get. Secrets of steps are handed over in the fleet's folder: what
  // sbatch is given lies in the controller's files.
  private static let exported = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "SLURM_CONF", "RUNG_STEP", "LD_LIBRARY_PATH",
  ]

  /// Slurm as it is seen with this environment; `rung` is the program that workers are, the same path on all nodes.
  public init(_ settings: ProjectSettings.Slurm, variables: [String: String], rung: String) {
    self.settings = settings
    self.rung = settings.rung ?? rung
    // Within a job, its variables would be taken for wishes.
    self.variables =
      variables.filter { !$0.key.hasPrefix("SLURM_") || $0.key == "SLURM_CONF" }.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  /// See `Cluster`.
  public func command(_ allocation: Fleet.Allocation, count: Int, fleet: String, note: String) -> [String] {
    let size = allocation.size
    var words = ["sbatch", "--parsable", "--job-name=rung-worker", "--no-requeue", "--nodes=1", "--ntasks=1"]
    words.append("--cpus-per-task=\(size.cpus)")
    if size.memory > 0 { words.append("--mem=\((size.memory + (1 << 20) - 1) >> 20)M") }
    if size.gpus > 0 { words.append("--gres=gpu:\(size.gpus)") }
    words.append("--time=\((allocation.time + 59_999_999_999) / 60_000_000_000)")
    if let partition = settings.partition { words.append("--partition=\(partition)") }
    if let account = settings.account { words.append("--account=\(account)") }
    if let constraint = settings.constraint { words.append("--constraint=\(constraint)") }
    if count > 1 { words.append("--array=1-\(count)") }
    words.append("--comment=\(note)")
    words.append("--output=\(fleet)/logs/\(count > 1 ? "%A_%a" : "%j").log")
    let known = Set(variables.map(\.name))
    words.append("--export=" + Self.exported.filter(known.contains).joined(separator: ","))
    words += settings.options
    return words + ["--wrap", Self.script(rung, fleet, allocation.time)]
  }

  // The worker takes the place of the shell: signals for the job reach it.
  private static func script(_ rung: String, _ fleet: String, _ time: Int64) -> String {
    "exec \(Substitution.quoted(rung)) worker \(Substitution.quoted(fleet)) --time \(time / 1_000_000_000)"
  }

  /// See `Cluster`.
  public func submit(
    _ allocation: Fleet.Allocation, count: Int, fleet: String, note: String
  ) throws(ClusterError) -> [Fleet.JobID] {
    // `2>&1` of a memory file: warnings may come before the number, which is the last line.
    let answer = try run(command(allocation, count: count, fleet: fleet, note: note))
    let last = answer.split(separator: "\n").last.map(String.init) ?? ""
    guard let number = Int(last.prefix { $0 != ";" }) else {
      throw ClusterError(isTransient: false, "sbatch does not answer with the number of a job: \(last)")
    }
    return count > 1 ? (1...count).map { "\(number)_\($0)" } : ["\(number)"]
  }

  /// See `Cluster`.
  public func jobs() throws(ClusterError) -> [ClusterJob] {
    let text = try run([
      "squeue", "--noheader", "--array", "--states=all", "--name=rung-worker", "--user=\(getuid())",
      "--format=%i|%T|%r|%k",
    ])
    return text.split(separator: "\n").compactMap(Self.job(line:))
  }

  /// See `Cluster`.
  public func cancel(_ jobs: [Fleet.JobID]) throws(ClusterError) {
    guard !jobs.isEmpty else { return }
    do throws(ClusterError) { _ = try run(["scancel"] + jobs) } catch {
      // That one of them is over.
      if error.isTransient { throw error }
    }
  }

  /// A line of squeue: number, state, reason, comment. Nil for one that is none.
  static func job(line: Substring) -> ClusterJob? {
    let parts = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4 else { return nil }
    let (state, reason) = (parts[1], parts[2])
    let words = state.lowercased().replacing("_", with: " ") + (reason == "None" || reason.isEmpty ? "" : ", \(reason)")
    let seen: ClusterJob.State =
      switch state {
      // Slurm holds what it could not start, for ever.
      case "PENDING" where reason.lowercased().contains("launch failed"): .stuck(words)
      case "PENDING" where reason == "DependencyNeverSatisfied": .stuck(words)
      case "PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT": .pending(reason)
      case "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STAGE_OUT", "SIGNALING", "STOPPED", "RESIZING":
        .running
      case "COMPLETED": .over(.left, words)
      case "TIMEOUT", "DEADLINE": .over(.time, words)
      case "OUT_OF_MEMORY": .over(.memory, words)
      case "PREEMPTED", "CANCELLED", "REVOKED": .over(.preempted, words)
      default: .over(.machine, words)
      }
    return ClusterJob(id: parts[0], state: seen, note: parts[3])
  }

  private func run(_ command: [String]) throws(ClusterError) -> String {
    let output: ProgramOutput
    do throws(ExecError) {
      output = try ProgramOutput.of(command, variables: variables, timeout: Self.timeout)
    } catch {
      throw ClusterError(
        isTransient: false, "\(error): Slurm's commands must be on the PATH of the machine that rung runs on")
    }
    if output.end == .exited(0) { return output.text }
    let said = output.text.split(separator: "\n").suffix(3).joined(separator: "; ")
    if output.end == .timedOut { throw ClusterError(isTransient: true, "Slurm does not answer \(command[0])") }
    let isTransient = Self.signsOfSilence.contains { said.lowercased().contains($0) }
    throw ClusterError(isTransient: isTransient, isTransient ? "Slurm does not answer: \(said)" : said)
  }

  // What its commands say when the controller is not there, or not yet.
  private static let signsOfSilence = [
    "unable to contact", "connection refused", "timed out", "zero bytes", "transport endpoint", "temporarily",
    "socket", "backup controller", "communication", "in standby", "connection reset", "try again", "munge",
  ]
}
