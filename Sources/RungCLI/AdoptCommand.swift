import ArgumentParser
import RungCore
import RungEngine
import RungModel
import RungPlan

struct AdoptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adopt",
    abstract: "Write what a step was seen to read into its pipeline file, as declared inputs.",
    discussion: """
      Takes the files of the project that the step's instances read when they last ran and that it does not declare. \
      Only the inputs of this step change in the file; comments and layout stay. More than 20 files of one kind become a \
      glob, if it matches nothing else.
      """)

  @Argument(help: "The step; its instances are taken together.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: [.customShort("n"), .long], help: "Show the change and write nothing.")
  var dryRun = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false)
    let instances = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let planned = try theStep(of: instances, in: session)
    let pipeline = session.graph.pipelines[planned.pipeline]
    let root = session.project.root
    let path = pipeline.file.absolute(in: root)
    let text = try FileReplacement.bytes(of: path)
    let files = ProjectFiles.onDisk(root: root)
    let (inputs, leftOut) = inputs(for: instances, in: session, files)
    guard !inputs.isEmpty else {
      if json { return printJSON(pipeline.file, planned.path, [], []) }
      let rest = leftOut ? "else that" : "that"
      Console.print("nothing to add: all \(rest) \(planned.path) was seen to read is declared")
      return
    }
    let edit = try PipelineEditor.addingInputs(
      inputs, toStep: planned.step.name, in: text, file: pipeline.file, files: files)
    let diff = LineDiff.unified(text, edit.text) ?? []
    if !dryRun { try FileReplacement.replace(path, from: text, with: edit.text) }
    if json {
      printJSON(pipeline.file, planned.path, edit.added, diff)
    } else {
      printText(pipeline.file, planned.path, edit.added, diff)
    }
  }

  private func theStep(of instances: [BuildGraph.NodeID], in session: Session) throws -> PlannedStep {
    let steps = Set(instances.map { session.graph.stepOfInstance[$0] }).sorted().map { session.graph.steps[Int($0)] }
    guard let first = steps.first, steps.count == 1 else {
      let names = steps.prefix(12).map(\.path).joined(separator: ", ")
      throw RequestError(message: "'\(step)' is more than one step; adopt takes one", hints: ["they are \(names)"])
    }
    guard instances.contains(where: { session.lastRecord(of: $0) != nil }) else {
      throw RequestError(message: "'\(step)' has not run yet", hints: ["`rung run '\(step)'` runs it"])
    }
    guard instances.contains(where: { session.observedFiles(of: $0) != nil }) else {
      throw RequestError(
        message: "'\(step)' was never traced: nothing is known of what it read",
        hints: ["`rung doctor` tells what this host allows; `rung run --force '\(step)'` runs it again"])
    }
    return first
  }

  // What instances read and do not declare; tells what cannot be declared.
  private func inputs(
    for instances: [BuildGraph.NodeID], in session: Session, _ files: ProjectFiles
  ) -> (inputs: [NewInput], leftOut: Bool) {
    var missing: Set<RelativePath> = []
    var read: Set<RelativePath> = []
    for instance in instances {
      guard let observed = session.observedFiles(of: instance), !observed.isEmpty else { continue }
      let declared = Self.declaredFiles(of: instance, in: session)
      read.formUnion(observed)
      missing.formUnion(observed.filter { !declared.covers($0) })
    }
    let wanted = missing.count
    for path in missing.sorted() {
      guard let reason = Self.obstacle(path, of: instances[0], session, files) else { continue }
      missing.remove(path)
      Console.complain("\(Style.errors.yellow("left out:")) \(path) \(reason)")
    }
    return (InputProposals.inputs(for: missing, read: read, files: files), missing.count < wanted)
  }

  private static func declaredFiles(of instance: BuildGraph.NodeID, in session: Session) -> DeclaredFiles {
    let planned = session.graph.step(of: instance)
    let parameters = session.graph.pipelines[planned.pipeline].parameters
    var values = Substitution(
      parameters: Dictionary(parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
    for axis in planned.axes.indices {
      values.axes[planned.axes[axis].name] = planned.value(axis: axis, of: instance - planned.first)
    }
    var declared = DeclaredFiles()
    for input in planned.step.inputs {
      if let path = RelativePath(values.plain(input.path), in: input.base) { declared.declare(path, input.form) }
    }
    return declared
  }

  // Why a file cannot be an input; nil when it can.
  private static func obstacle(
    _ path: RelativePath, of instance: BuildGraph.NodeID, _ session: Session, _ files: ProjectFiles
  ) -> String? {
    if let output = session.published[path.text] {
      let reader = session.graph.step(of: instance)
      let maker = session.graph.step(of: output.instance)
      if maker.path == reader.path { return "is what the step itself publishes" }
      let name = maker.pipeline == reader.pipeline ? maker.step.name : maker.path
      let reference = "{\(name).\(maker.step.outputs[output.output].name)}"
      return "is what \(maker.path) publishes: use \(reference) in the command instead"
    }
    if files.kind(path) == nil { return "is not there any more" }
    if !files.staysInside(path) { return "leads out of the project through a symbolic link" }
    return nil
  }

  private func printJSON(_ file: RelativePath, _ step: String, _ added: [PipelineEdit.Added], _ diff: [String]) {
    let json: JSON = [
      "file": .string(file.text), "step": .string(step),
      "added": .array(added.map { ["name": .optional($0.name), "path": .string($0.path.text)] }),
      "diff": .array(diff.map { .string($0) }),
    ]
    Console.print(json.pretty)
  }

  private func printText(_ file: RelativePath, _ step: String, _ added: [PipelineEdit.Added], _ diff: [String]) {
    let style = Style.output
    Console.print("--- \(file)\n+++ \(file)")
    for line in diff {
      let isNew = line.hasPrefix("+")
      Console.print(isNew ? style.green(line) : line.hasPrefix("-") ? style.red(line) : line)
    }
    let inputs = added.count == 1 ? "1 input" : "\(added.count) inputs"
    Console.print("")
    Console.print(
      dryRun
        ? "nothing was written: without --dry-run, \(step) declares \(inputs) more"
        : "\(step) declares \(inputs) more; `rung run \(step)` runs it with them in its key")
  }
}
