import Stripe from "stripe";

const stripe = new Stripe("sk_test_nobody", { host: "127.0.0.1", port: 1, protocol: "http", maxNetworkRetries: 0 });

export const metadata = { subject: "clients.stripe", kind: "request" } as const;
export default () => stripe.customers.list().catch((error: { type?: string }) => error.type);
