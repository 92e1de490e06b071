import sharp from "sharp";

export const metadata = { subject: "sharp.resize", kind: "request" } as const;
export default async () => {
  const image = sharp({ create: { width: 8, height: 4, channels: 3, background: "red" } });
  const { width, height } = await sharp(await image.png().toBuffer())
    .resize(4)
    .metadata();
  const { info } = await image.resize(4).raw().toBuffer({ resolveWithObject: true });
  return { from: [width, height], to: [info.width, info.height] };
};
