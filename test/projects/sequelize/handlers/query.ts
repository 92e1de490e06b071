// The driver is loaded by a name that is only known when it runs.
import { DataTypes, Sequelize } from "sequelize";

const db = new Sequelize("postgres://user@127.0.0.1:1/shop", { logging: false });
const User = db.define("User", { name: DataTypes.STRING }, { timestamps: false });

export const metadata = { subject: "sequelize.query", kind: "request" } as const;
export default async () => {
  const failure = await User.findAll({ where: { name: "Ada" } }).catch((error: Error) => error.name);
  return [db.getDialect(), User.getTableName(), failure];
};
