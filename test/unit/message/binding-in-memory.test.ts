import { describe } from "vitest";
import { bindingContract } from "../../support/binding-contract.ts";
import { contractInMemory } from "../../support/contract-in-memory.ts";

describe("a binding in memory", () => bindingContract(contractInMemory));
