// What is instrumented has to stay a package: instrumentation meets it when it is loaded.
export default { preload: ["./instrument.ts"], external: ["pg"] };
