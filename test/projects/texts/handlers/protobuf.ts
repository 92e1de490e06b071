import protobuf from "protobufjs";

const { root } = protobuf.parse(`syntax = "proto3"; message Name { string name = 1; }`);
const Name = root.lookupType("Name");

export const metadata = { subject: "texts.protobuf", kind: "request" } as const;
export default (name: string) => Name.toObject(Name.decode(Name.encode({ name }).finish()));
