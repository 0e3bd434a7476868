import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungExec

/// What a job of a cluster runs; people never do.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Execute steps that a run hands out (started by the jobs of `rung run`).",
    discussion: """
      It takes what it may use from the environment of its job: SLURM_JOB_ID, SLURM_CPUS_PER_TASK, SLURM_MEM_PER_NODE, \
      CUDA_VISIBLE_DEVICES. It ends when its time is over, when the run tells it to, or a minute after the run is gone.
      """, shouldDisplay: false)

  @Argument(help: ArgumentHelp("The folder of the run's fleet.", valueName: "folder"))
  var folder: String

  @Option(name: .long, help: ArgumentHelp("How long it has.", valueName: "seconds"))
  var time: Int

  func validate() throws {
    if time < 1 { throw ValidationError("--time wants a number of seconds of at least 1, not \(time)") }
  }

  func run() throws {
    Signals.block()
    let variables = callerVariables()
    func number(_ name: String) -> Int? { variables[name].flatMap { Int($0) } }
    let array = variables["SLURM_ARRAY_JOB_ID"].flatMap { job in
      variables["SLURM_ARRAY_TASK_ID"].map { "\(job)_\($0)" }
    }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let place = StepPlace(
      host: host, cluster: "slurm", job: array ?? variables["SLURM_JOB_ID"] ?? "\(getpid())",
      node: variables["SLURMD_NODENAME"] ?? host, partition: variables["SLURM_JOB_PARTITION"])
    let cpus = number("SLURM_CPUS_PER_TASK") ?? number("SLURM_CPUS_ON_NODE") ?? 1
    let gpus = variables["CUDA_VISIBLE_DEVICES"] ?? variables["ROCR_VISIBLE_DEVICES"] ?? ""
    var options = FleetWorker.Options(
      folder: folder, place: place, cpus: cpus, memory: Int64(number("SLURM_MEM_PER_NODE") ?? 0) << 20,
      gpus: gpus.split(separator: ",").map(String.init).filter { $0 != "NoDevFiles" },
      time: Int64(time) * 1_000_000_000, version: Rung.version, launcher: StepLauncher.find(variables: variables))
    options.variables = variables
    let worker = try FleetWorker(options)
    startThread {
      while true {
        Signals.wait()
        worker.leave("the cluster ended the job")
      }
    }
    worker.run()
  }
}
