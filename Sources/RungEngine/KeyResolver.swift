import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

/// What is known of an instance's result.
struct KnownResult {
  let key: Digest
  let record: Digest
  let outputs: [ActionOutput]
  /// The round whose result stands for this one: the loop had ended before it.
  var settledBy: BuildGraph.NodeID?
}

/// Turns instances into action keys: looks at files, environments and known results, and asks the pure walk of
/// `KeyFields` for the key.
struct KeyResolver {
  let graph: BuildGraph
  let root: String
  var files: SourceFiles
  /// The results that are known so far, by instance.
  var results: [KnownResult?]
  private var contexts: [StepContext?]
  private var collections: [RungLedger.Collection?]
  private let environments: EnvironmentResolver
  private let callerVariables: [String: String]
  private var programs: [String: Record.Program?] = [:]
  /// The programs that were looked for, with the PATH, and the files that were found.
  private(set) var programLookups: [(name: String, path: String, file: String?)] = []
  // What patterns matched when they were first looked at: it stays so for the whole run, like the contents.
  private var matches: [String: [RelativePath]] = [:]

  init(
    graph: BuildGraph, root: String, files: SourceFiles, environments: EnvironmentResolver,
    callerVariables: [String: String]
  ) {
    self.graph = graph
    self.root = root
    self.files = files
    self.environments = environments
    self.callerVariables = callerVariables
    results = Array(repeating: nil, count: graph.instanceCount)
    contexts = Array(repeating: nil, count: graph.steps.count)
    collections = Array(repeating: nil, count: graph.collections.count)
  }

  /// What all instances of a step share.
  struct StepContext {
    var base: ActionKey.Base
    let environment: ResolvedEnvironment?
    let program: Record.Program?
    let path: String
    let parameters: [String: JSON]
    let usedParameters: [JSON.Member]
    let usedAxes: [KeyFields.UsedAxis]
    // Inputs whose paths are the same for all instances; nil at those that depend on an axis.
    let inputs: [ResolvedInput?]
  }

  /// A project input with its content.
  struct ResolvedInput {
    /// The name; for an input without one, its path.
    let name: String
    /// What the user wrote: a path or a pattern.
    let shown: String
    /// For each file or folder its path and content; one, unless it is a glob.
    let items: [(path: RelativePath, content: SourceFiles.Content)]
    /// The list of files that a glob matched; nil for a path.
    let listing: FileListing?
    let digest: Digest

    var isGlob: Bool { listing != nil }
  }

  /// The key of an instance. All results that it needs must be known.
  mutating func key(of instance: BuildGraph.NodeID) throws(Diagnostics) -> Digest {
    let (context, own) = try fields(of: instance)
    return context.base.digest(adding: own)
  }

  /// The key of an instance with its fields.
  mutating func fullKey(of instance: BuildGraph.NodeID) throws(Diagnostics) -> ActionKey {
    var (context, own) = try fields(of: instance)
    return context.base.key(adding: own)
  }

  /// The fields of an instance's key as far as they are known when results upstream are missing: without those inputs.
  mutating func knownFields(of instance: BuildGraph.NodeID) throws(Diagnostics) -> [KeyField] {
    let (context, own) = try fields(of: instance, onlyKnown: true)
    return context.base.fields + own
  }

  private mutating func fields(
    of instance: BuildGraph.NodeID, onlyKnown: Bool = false
  ) throws(Diagnostics) -> (StepContext, [KeyField]) {
    let stepIndex = Int(graph.stepOfInstance[instance])
    let context = try self.context(of: stepIndex)
    let step = graph.steps[stepIndex]
    let local = instance - step.first
    var own: [KeyField] = []
    for used in context.usedAxes {
      let value = step.value(axis: used.axis, of: local).value
      let name = step.axes[used.axis].name
      let part = used.field.flatMap { value[$0] } ?? value
      own.append(KeyField(.axis, used.field.map { "\(name).\($0)" } ?? name, value: Substitution.text(of: part)))
    }
    for input in try inputs(of: instance) where context.inputs[input.index] == nil {
      own.append(Self.field(input.input))
    }
    for binding in step.bindings {
      let name = binding.reference.source
      // Only the value that the instance has is in its key: a longer list changes nothing for those that were there.
      if binding.isOrigin { continue }
      if binding.isPrevious, binding.source(of: local) == nil, binding.collection(of: local) == nil {
        own.append(KeyField(.input, name, value: "\(try inputPath(binding, of: instance)), empty in the first round"))
      } else if let source = binding.source(of: local) {
        guard let output = output(binding.output, of: source) else {
          if onlyKnown { continue }
          preconditionFailure("the key of \(graph.name(of: instance)) was asked for before '\(name)' was known")
        }
        own.append(KeyField(.input, name, value: try inputPath(binding, of: source), digest: output.digest))
      } else if let index = binding.collection(of: local) {
        let known = graph.collections[index].members.allSatisfy { results[Int($0)] != nil }
        if onlyKnown, !known { continue }
        let collection = self.collection(index)
        own.append(
          KeyField(
            .input, name, value: "\(collection.members.count) instances as \(collection.form)",
            digest: collection.contentDigest))
      }
    }
    if case .claims(let claims) = step.step.command {
      for claim in claims {
        guard case .independence(let independence) = claim.test,
          let binding = step.bindings.first(where: { $0.reference == independence.result }),
          let index = binding.collection(of: local),
          graph.collections[index].members.allSatisfy({ results[Int($0)] != nil })
        else { continue }
        // How a result was made, not only what it is, decides what it has seen.
        let members = collection(index).members
        var hash = FramedHash(domain: "rung/lineage/1")
        for member in members { hash.field("record", member.record) }
        own.append(
          KeyField(.lineage, claim.name, value: "how \(independence.result.source) was made", digest: hash.digest()))
      }
    }
    return (context, own)
  }

  private static func field(_ input: ResolvedInput) -> KeyField {
    var value = input.shown
    if case .file(_, _, true)? = input.items.first?.content, !input.isGlob { value += " (executable)" }
    return KeyField(.input, input.name, value: value, digest: input.digest)
  }

  /// Where a step finds the output that another instance makes: under the name of the file that the instance writes.
  mutating func inputPath(_ binding: Binding, of maker: BuildGraph.NodeID) throws(Diagnostics) -> String {
    WorkspaceLayout.input(binding.reference, fileName: try fileName(binding.output, of: maker))
  }

  /// The last component of the path at which an instance writes an output.
  mutating func fileName(_ output: Int, of maker: BuildGraph.NodeID) throws(Diagnostics) -> String {
    let index = Int(graph.stepOfInstance[maker])
    let declared = graph.steps[index].step.outputs[output]
    var text = declared.path.source
    if !declared.path.references.isEmpty {
      text = Substitution(parameters: try context(of: index).parameters, axes: axisValues(of: maker)).plain(
        declared.path)
    }
    return text.split(separator: "/").last.map(String.init) ?? declared.name
  }

  /// The output of a known result.
  func output(_ index: Int, of instance: BuildGraph.NodeID) -> ActionOutput? {
    let name = graph.step(of: instance).step.outputs[index].name
    return results[instance]?.outputs.first { $0.name == name }
  }

  /// The instance whose execution stands for a known result: itself, or the round with which a loop ended.
  func maker(of instance: BuildGraph.NodeID) -> BuildGraph.NodeID { results[instance]?.settledBy ?? instance }

  /// A collection whose members are all known.
  mutating func collection(_ index: Int) -> RungLedger.Collection {
    if let known = collections[index] { return known }
    let collection = graph.collections[index]
    let producer = graph.steps[collection.producer]
    let output = producer.step.outputs[collection.output]
    let members = collection.members.map { member -> RungLedger.Collection.Member in
      let instance = Int(member)
      let labels = producer.outerLabels(of: instance - producer.first).map { "\($0.axis)=\($0.label)" }
      return .init(
        instance: graph.name(of: maker(of: instance)), labels: labels.joined(separator: ","),
        digest: self.output(collection.output, of: instance)?.digest ?? .empty,
        record: results[instance]?.record ?? .empty)
    }
    let result = RungLedger.Collection(form: collection.form.rawValue, output: output.name, members: members)
    collections[index] = result
    return result
  }

  /// Takes in a result; collections that it is part of are formed anew.
  mutating func learn(_ instance: BuildGraph.NodeID, _ result: KnownResult) {
    let isNew = results[instance] == nil
    results[instance] = result
    guard !isNew else { return }
    for node in graph.dependents(of: instance) where Int(node) >= graph.instanceCount {
      collections[Int(node) - graph.instanceCount] = nil
    }
  }

  // MARK: steps

  /// What all instances of a step share. Throws for inputs and environments that cannot be read.
  mutating func context(of index: Int) throws(Diagnostics) -> StepContext {
    if let known = contexts[index] { return known }
    let planned = graph.steps[index]
    let step = planned.step
    let pipeline = graph.pipelines[planned.pipeline]
    let parameters = Dictionary(pipeline.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let references = KeyFields.references(of: step)
    let environment = try environments.resolve(step.environment, files: &files)
    let path = StepVariables.path(environmentBin: environment?.binFolder, caller: callerVariables["PATH"])
    let program = try self.program(of: step, path: path, environment: environment)

    var inputs: [ResolvedInput?] = []
    let fixed = Substitution(parameters: parameters)
    for input in step.inputs {
      let varies = input.path.references.contains { if case .axis = $0 { true } else { false } }
      inputs.append(varies ? nil : try resolve(input, fixed))
    }
    var caller: [String: String] = [:]
    for variable in step.variables where variable.value == nil {
      guard let value = callerVariables[variable.name] else {
        throw Diagnostics(
          "step '\(step.name)' wants the environment variable \(variable.name), which is not set", at: step.location,
          notes: ["set it, or give it a value in the pipeline file"])
      }
      caller[variable.name] = value
    }
    var fields = KeyFields.shared(
      step, parameters: parameters, references: references, callerVariables: caller,
      program: program.map { ($0.name, $0.digest) }, environment: environment?.keyParts ?? [])
    fields += inputs.compactMap { $0.map(Self.field) }
    let context = StepContext(
      base: ActionKey.Base(fields: fields), environment: environment, program: program, path: path,
      parameters: parameters,
      usedParameters: KeyFields.usedParameters(references, parameters),
      usedAxes: KeyFields.usedAxes(references, planned.axes, deterministic: step.deterministic), inputs: inputs)
    contexts[index] = context
    return context
  }

  private mutating func program(
    of step: Step, path: String, environment: ResolvedEnvironment?
  ) throws(Diagnostics) -> Record.Program? {
    let name: String?
    switch step.command {
    case .shell(let template, _):
      if case .literal(let text)? = template.segments.first {
        name = ProgramLookup.name(inShellText: template.segments.count == 1 ? text : text + "x")
      } else {
        name = nil
      }
    case .arguments(let list):
      if let first = list.first, first.references.isEmpty { name = first.source } else { name = nil }
    case .claims: name = nil
    }
    guard let name, !RungPlan.isShellWord(name) else { return nil }
    let memo = "\(path)\0\(name)"
    if let known = programs[memo] { return known }
    var found: Record.Program?
    let file = ProgramLookup.resolve(name, path: path)
    programLookups.append((name, path, file))
    if let resolved = file {
      // The environment's own programs are known by its lock.
      if let environment, resolved.hasPrefix(environment.folder + "/") || name.hasPrefix("python") {
        found = nil
      } else {
        do throws(SourceFiles.Problem) {
          if let content = try files.content(absolute: resolved) {
            found = Record.Program(name: name, path: resolved, digest: content.digest)
          }
        } catch {
          found = nil
        }
      }
    }
    programs[memo] = .some(found)
    return found
  }

  // MARK: inputs

  /// The project inputs of an instance, with their place in the step's list.
  mutating func inputs(
    of instance: BuildGraph.NodeID
  ) throws(Diagnostics) -> [(index: Int, input: ResolvedInput)] {
    let stepIndex = Int(graph.stepOfInstance[instance])
    let context = try self.context(of: stepIndex)
    let step = graph.steps[stepIndex]
    var list: [(index: Int, input: ResolvedInput)] = []
    var values: Substitution?
    for (index, input) in step.step.inputs.enumerated() {
      if let fixed = context.inputs[index] {
        list.append((index, fixed))
        continue
      }
      let filled = values ?? Substitution(parameters: context.parameters, axes: axisValues(of: instance))
      values = filled
      list.append((index, try resolve(input, filled)))
    }
    return list
  }

  /// The axis values of an instance by name.
  func axisValues(of instance: BuildGraph.NodeID) -> [String: AxisValue] {
    let step = graph.step(of: instance)
    var values: [String: AxisValue] = [:]
    for axis in step.axes.indices { values[step.axes[axis].name] = step.value(axis: axis, of: instance - step.first) }
    return values
  }

  private mutating func resolve(_ input: Input, _ values: Substitution) throws(Diagnostics) -> ResolvedInput {
    let text = values.plain(input.path)
    guard let path = RelativePath(text, in: input.base) else {
      throw Diagnostics("the input '\(text)' leads out of the project", at: input.location)
    }
    let name = input.name.isEmpty ? path.text : input.name
    if input.form == .path {
      guard let content = try content(path, at: input.location) else {
        throw Diagnostics("the input file '\(path)' does not exist", at: input.location)
      }
      return ResolvedInput(
        name: name, shown: path.text, items: [(path, content)], listing: nil, digest: content.digest)
    }
    let found = matches[path.text] ?? GlobSearch.files(matching: Glob(path.text), root: root, looks: &files.looks)
    matches[path.text] = found
    guard !found.isEmpty else { throw Diagnostics("no file matches '\(path)'", at: input.location) }
    var items: [(path: RelativePath, content: SourceFiles.Content)] = []
    for file in found {
      if let content = try content(file, at: input.location) { items.append((file, content)) }
    }
    let listing = FileListing(
      items.map { item in
        var isExecutable = false
        if case .file(_, _, let executable) = item.content { isExecutable = executable }
        return .init(path: item.path.text, digest: item.content.digest, executable: isExecutable)
      })
    return ResolvedInput(name: name, shown: path.text, items: items, listing: listing, digest: listing.digest)
  }

  private mutating func content(
    _ path: RelativePath, at location: SourceLocation?
  ) throws(Diagnostics) -> SourceFiles.Content? {
    do throws(SourceFiles.Problem) {
      return try files.content(path)
    } catch {
      throw Diagnostics(error.message, at: location)
    }
  }
}
