import { buildSchema, graphql } from "graphql";

const schema = buildSchema("type Query { hello: String }");

export const metadata = { subject: "queries.graphql", kind: "request" } as const;
export default async () => (await graphql({ schema, source: "{ hello }", rootValue: { hello: "world" } })).data;
