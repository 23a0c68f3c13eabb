"""tritonclient.http.aio against the daemon, with all calls of a kind at once.  To run:
check_clients.py."""
import asyncio

import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

import client_cases
from client_triton import FORMS, arguments, expected_index, inputs, ranked, reader, skip_reason

CLIENT = 'tritonclient.http.aio'


async def check_cases(tally, client, cases):
    asked = []
    for case in cases:
        for form in FORMS:
            reason = skip_reason(case, form)
            if reason is None:
                asked.append((case, form))
            else:
                tally.skip(CLIENT, reason)
    results = await asyncio.gather(*(client.infer(**arguments(case, form, triton))
                                     for case, form in asked))
    for (case, form), result in zip(asked, results):
        tally.compare(CLIENT, form, case, reader(result, case))


async def check_service(tally, client):
    live, ready, server, index, stats = await asyncio.gather(
        client.is_server_live(), client.is_server_ready(), client.get_server_metadata(),
        client.get_model_repository_index(), client.get_inference_statistics())
    tally.expect(CLIENT, 'live', live, True)
    tally.expect(CLIENT, 'ready', ready, True)
    tally.expect(CLIENT, 'server metadata', server['name'], 'lossd')
    tally.expect(CLIENT, 'index', index, expected_index())
    tally.expect(CLIENT, 'statistics', [one['name'] for one in stats['model_stats']],
                 list(client_cases.STAGES))
    for model, stage in client_cases.STAGES.items():
        ready, told, config, stats = await asyncio.gather(
            client.is_model_ready(model, '1'), client.get_model_metadata(model),
            client.get_model_config(model, '1'), client.get_inference_statistics(model))
        tally.expect(CLIENT, 'ready', ready, True)
        tally.expect(CLIENT, 'metadata', [told['name'], told['inputs'][0]['name']], [model, stage])
        tally.expect(CLIENT, 'config', config['name'], model)
        tally.expect(CLIENT, 'statistics', len(stats['model_stats']), 1)
    tally.expect(CLIENT, 'not ready', await client.is_model_ready('cross_entropy', '2'), False)


async def check_settings(tally, client, case):
    settings = [{'model_version': '1'}, {'priority': 1, 'timeout': 30000000},
                {'headers': {'X-Request-Id': 'seven'}}, {'query_params': {'a': 1}}]
    settings += [{'request_compression_algorithm': coding, 'response_compression_algorithm': out}
                 for coding in (None, 'gzip', 'deflate') for out in (None, 'gzip', 'deflate')]
    results = await asyncio.gather(*(client.infer(**{**arguments(case, 'binary', triton), **one})
                                     for one in settings))
    for one, result in zip(settings, results):
        tally.compare(CLIENT, str(one), case, reader(result, case))
    named = await asyncio.gather(*(client.infer(**arguments(case, 'JSON', triton),
                                                request_id=str(number)) for number in range(20)))
    for number, result in enumerate(named):
        tally.expect(CLIENT, 'id', result.get_response()['id'], str(number))
    wanted = [triton.InferRequestedOutput('softmax', class_count=2)]
    result = await client.infer(case.model, inputs(case, module=triton), outputs=wanted)
    tally.expect(CLIENT, 'classification', result.as_numpy('softmax').tolist(),
                 ranked(tally.answers(case)[0]['softmax'], 2))


async def refusal(call):
    try:
        await call
    except InferenceServerException as error:
        return error
    return None


async def check_refusals(tally, client, case):
    given = arguments(case, 'binary', triton)
    unknown = [triton.InferRequestedOutput('sofmax')]
    fixed = 'the models are part of the program'
    refused = ((400, client.infer(**{**given, 'outputs': unknown}), 'softmax'),
               (400, client.infer(**{**given, 'inputs': given['inputs'][:1]}), 'targets'),
               (400, client.infer(**{**given, 'parameters': {'k': 0}}), 'k'),
               (404, client.infer(**{**given, 'model_name': 'x'}), 'there is no model "x"'),
               (404, client.get_model_metadata('x'), 'there is no model "x"'),
               (404, client.get_log_settings(), 'nothing at this path'),
               (501, client.load_model('cross_entropy'), fixed),
               (501, client.unload_model('cross_entropy'), fixed))
    errors = await asyncio.gather(*(refusal(call) for _, call, _ in refused))
    for (status, _, sentence), error in zip(refused, errors):
        tally.expect_refusal(CLIENT, sentence, error, status, sentence)


async def check(tally, cases):
    async with triton.InferenceServerClient(tally.daemon.address, conn_limit=16) as client:
        await check_service(tally, client)
        await check_cases(tally, client, cases)
        await check_settings(tally, client, cases[0])
        await check_refusals(tally, client, cases[0])


def run(tally, cases):
    asyncio.run(check(tally, cases))
