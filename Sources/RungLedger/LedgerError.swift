import RungDatabase

/// Why the ledger could not do what was asked.
public typealias LedgerError = DatabaseError
