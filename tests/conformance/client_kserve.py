"""KServe's InferenceRESTClient against the daemon.  To run: check_clients.py."""
import asyncio

import client_cases

CLIENT = 'kserve'
FORMS = {'binary': True, 'JSON': False}
NO_BFLOAT16 = 'kserve has no BF16'
NO_JSON_HALVES = 'kserve sends FP16 in binary only'
NO_JSON_NAN = 'kserve sends NaN and infinities in JSON as null, which is refused'


def skip_reason(case, is_binary):
    if case.datatype == 'BF16':
        return NO_BFLOAT16
    if is_binary:
        return None
    if case.datatype == 'FP16':
        return NO_JSON_HALVES
    return None if case.tensors[case.stage].isfinite().all() else NO_JSON_NAN


def request(module, case, is_binary):
    inputs = []
    for name, datatype, array in case.inputs():
        inputs.append(module.InferInput(name, list(array.shape), datatype, parameters={}))
        inputs[-1].set_data_from_numpy(array, binary_data=is_binary)
    outputs = [module.RequestedOutput(name, {'binary_data': is_binary}) for name in case.outputs]
    return module.InferRequest(case.model, inputs, parameters=dict(case.parameters),
                               request_outputs=outputs)


def reader(response):
    outputs = {output.name: output for output in response.outputs}
    return lambda name: outputs[name].as_numpy() if name in outputs else None


async def check_cases(tally, client, url, module, cases):
    for case in cases:
        for form, is_binary in FORMS.items():
            reason = skip_reason(case, is_binary)
            if reason is not None:
                tally.skip(CLIENT, reason)
                continue
            response = await client.infer(url, request(module, case, is_binary), case.model)
            tally.compare(CLIENT, form, case, reader(response))


async def refusal(call):
    try:
        await call
    except Exception as error:  # httpx's, which kserve makes out of the reply
        return error
    return None


async def check_service(tally, client, url, module, case):
    tally.expect(CLIENT, 'live', await client.is_server_live(url), True)
    tally.expect(CLIENT, 'ready', await client.is_server_ready(url), True)
    for model in client_cases.STAGES:
        tally.expect(CLIENT, 'ready', await client.is_model_ready(url, model), True)
    tally.expect(CLIENT, 'not ready', await client.is_model_ready(url, 'x'), False)
    named = request(module, case, True)
    named.id = 'seven'
    response = await client.infer(url, named, case.model)
    tally.expect(CLIENT, 'names', [response.id, response.model_name], ['seven', case.model])
    error = await refusal(client.infer(url, request(module, case, True), 'x'))
    tally.expect_refusal(CLIENT, 'no model', error, 404, 'there is no model "x"')
    wrong = request(module, case, False)
    wrong.inputs[1].data[0] = 77
    error = await refusal(client.infer(url, wrong, case.model))
    tally.expect_refusal(CLIENT, 'class', error, 400, 'targets[0] is 77')
    unsent = request(module, case, False)
    unsent.inputs[0].data[1] = float('nan')
    error = await refusal(client.infer(url, unsent, case.model))
    tally.expect_refusal(CLIENT, 'null', error, 400, 'null')


async def check(tally, kserve, module, cases):
    url = 'http://%s' % tally.daemon.address
    client = kserve.InferenceRESTClient(kserve.inference_client.RESTConfig(protocol='v2'))
    await check_service(tally, client, url, module, cases[0])
    await check_cases(tally, client, url, module, cases)
    await client.close()


def run(tally, cases):
    try:
        import kserve
        import kserve.inference_client
        import kserve.protocol.infer_type as module
    except ImportError as error:
        tally.skip(CLIENT, 'it is not installed (%s)' % error)
        return
    asyncio.run(check(tally, kserve, module, cases))
