import mongoose from "mongoose";

const Order = mongoose.model("Order", new mongoose.Schema({ cents: { type: Number, required: true, min: 1 } }));

export const metadata = { subject: "mongoose.order", kind: "request" } as const;
export default async (cents: number) => {
  const problem = new Order({ cents }).validateSync();
  return problem === undefined ? "valid" : Object.keys(problem.errors);
};
