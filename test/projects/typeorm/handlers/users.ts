// Columns get their types from the decorators' metadata; the driver is chosen by a text.
import "reflect-metadata";
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from "typeorm";

@Entity()
class User {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

const source = new DataSource({ type: "better-sqlite3", database: ":memory:", entities: [User], synchronize: true });

export const metadata = { subject: "typeorm.users", kind: "request" } as const;
export const setup = async () => void (await source.initialize());
export const teardown = () => source.destroy();
export default async () => {
  const users = source.getRepository(User);
  await users.clear();
  await users.save({ name: "Ada" });
  return (await users.find()).map(({ name }) => name);
};
